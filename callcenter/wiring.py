"""Who hears of what: the capabilities joined to a database, the same in every process and test that changes anything."""

from callcenter import inbox
from callcenter.agents import stations
from callcenter.contacts import mail as contact_mail
from callcenter.db import Database
from callcenter.meetings import engine as meetings
from callcenter.meetings import invitations, renaming, series_mails


def wire(database: Database) -> Database:
    """Let messages be stored with their transactions, and due meetings go before the queue; returns the database."""
    database.before_commit.append(inbox.store)
    database.reactions += [stations.react, meetings.react, contact_mail.react]
    database.reactions += [invitations.react, series_mails.react, renaming.react]
    database.before_queue.append(meetings.feed)
    return database

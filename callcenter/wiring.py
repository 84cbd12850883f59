"""Who hears of what: the capabilities joined to a database, the same in every process and test that changes anything."""

from callcenter import inbox
from callcenter.agents import stations
from callcenter.calls import listening, merged_contacts
from callcenter.calls import merged as calls_merged
from callcenter.campaigns import engine as campaigns
from callcenter.campaigns import forgetting as leads_forgetting
from callcenter.contacts import mail as contact_mail
from callcenter.correspondence import delivery
from callcenter.db import Database
from callcenter.meetings import engine as meetings
from callcenter.meetings import invitations, renaming, series_mails
from callcenter.texts import merged as texts_merged


def wire(database: Database) -> Database:
    """Let messages be stored with their transactions, and due meetings go before the queue; returns the database."""
    database.before_commit.append(inbox.store)
    database.reactions += [stations.react, listening.react, meetings.react, contact_mail.react, delivery.react]
    database.reactions += [invitations.react, series_mails.react, renaming.react]
    database.reactions += [calls_merged.react, texts_merged.react, merged_contacts.react]
    database.reactions += [leads_forgetting.react]
    database.reactions.append(campaigns.react)  # after the meetings', which come first (B10)
    database.before_queue.append(meetings.feed)
    return database

"""Files people upload or customers send: avatars, attachments, faxes. Kept in the database, in parts."""

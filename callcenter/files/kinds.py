"""What a file is, by its first octets: names and what the sender claims are not believed."""

_MARKS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),  # XLSX, DOCX and ODT, too
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),  # XLS, DOC
)


def media_type(start: bytes) -> str:
    """Return the media type of a file that begins so; text/plain for text, application/octet-stream for anything else."""
    for mark, found in _MARKS:
        if start.startswith(mark):
            return found
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return "audio/wav"
    if b"\x00" in start:
        return "application/octet-stream"
    try:
        start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:  # the last letter may be cut in two
            return "application/octet-stream"
    return "text/plain"

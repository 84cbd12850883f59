"""Twilio's errors as its API tells them: {code, message, more_info, status}."""

from typing import Any

SENTENCES = {
    20001: "Invalid parameter",
    20003: "Authenticate",
    20004: "Method not allowed",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "An internal server error has occurred",
    20503: "Service unavailable",
    21201: "No 'To' number is specified",
    21205: "Url parameter is required.",
    21210: "'From' phone number not verified",
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Number",
    21213: "'From' number is required",
    21218: "Invalid ApplicationSid",
    21220: "Invalid call state",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided is not a valid, SMS-capable inbound phone number for your account",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
    21626: "Invalid 'StatusCallbackEvent'",
}


class ApiError(Exception):
    """A request refused: an HTTP status and Twilio's code; `detail` is added to the code's sentence."""

    def __init__(self, status: int, code: int, detail: str = "") -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = SENTENCES[code] + (f": {detail}" if detail else "")

    def body(self) -> dict[str, Any]:
        """Return it as Twilio's JSON."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def of_status(status: int) -> ApiError:
    """Return the error a bare HTTP status comes with."""
    return ApiError(status, {401: 20003, 404: 20404, 429: 20429, 503: 20503}.get(status, 20500))


def not_found(path: str) -> ApiError:
    """Return 404 for a path."""
    return ApiError(404, 20404, path)

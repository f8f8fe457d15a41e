"""Types of error with which a request is refused before any work."""

# By the last part of their name, in lower case.
REFUSALS = (
    "rate_limit_exceeded", "rate_limit_error", "ratelimiterror", "insufficient_quota",
    "invalid_request_error", "invalidrequesterror", "badrequesterror", "context_length_exceeded",
    "contextwindowexceedederror", "request_too_large", "authentication_error",
    "authenticationerror", "invalid_api_key", "permission_error", "permissiondeniederror",
    "not_found_error", "notfounderror", "model_not_found", "unprocessableentityerror",
    "budgetexceedederror", "contentpolicyviolationerror", "rejectedrequesterror",
    "routerratelimiterror", "throttlingexception", "validationexception",
    "accessdeniedexception", "resource_exhausted", "invalid_argument", "unauthenticated",
    "permission_denied",
)  # fmt: skip

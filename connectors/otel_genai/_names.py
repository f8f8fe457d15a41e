"""Attribute names: what the current conventions call a thing, then what older ones called it."""

from connectors._sql import quoted

# By the conventions, OpenInference and OpenLLMetry.
OPERATION = ("gen_ai.operation.name", "openinference.span.kind", "llm.request.type")
# What a model bills.
OPERATIONS = ("chat", "text_completion", "generate_content", "embeddings")
# What repeats the usage of the calls below it, or has none; all memory operations besides.
OTHER_OPERATIONS = (
    "retrieval", "execute_tool", "create_agent", "invoke_agent", "invoke_workflow", "plan",
    "agent", "chain", "evaluator", "guardrail", "prompt", "rerank", "reranker", "retriever", "tool",
)  # fmt: skip

# Types of error with which a request is refused, by the last part of their name in lower case.
REFUSALS = (
    "rate_limit_exceeded", "rate_limit_error", "ratelimiterror", "insufficient_quota",
    "invalid_request_error", "badrequesterror", "context_length_exceeded", "request_too_large",
    "contextwindowexceedederror", "authentication_error", "authenticationerror",
    "invalid_api_key", "permission_error", "permissiondeniederror", "not_found_error",
    "notfounderror", "model_not_found", "unprocessableentityerror", "throttlingexception",
    "validationexception", "accessdeniedexception", "resource_exhausted", "invalid_argument",
    "unauthenticated", "permission_denied",
)  # fmt: skip

# What a call of a model says of itself.
LEAF = {
    "provider_name": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "request_model": ("gen_ai.request.model", "llm.request.model_name", "llm.request.model"),
    "response_model": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "llm.response.model",
        "llm.model_name",
        "embedding.model_name",
    ),
    "service_tier": (
        "openai.response.service_tier",
        "gen_ai.openai.response.service_tier",
        "openai.request.service_tier",
        "gen_ai.openai.request.service_tier",
    ),
    "error_type": ("error.type",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
    ),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "audio_input_tokens": (
        "gen_ai.usage.audio.input_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
    ),
    "audio_output_tokens": (
        "gen_ai.usage.audio.output_tokens",
        "llm.token_count.completion_details.audio",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
}
CONVERSATION = ("gen_ai.conversation.id", "session.id")


def first(names: tuple[str, ...], attributes: str = "attributes") -> str:
    """Return the SQL of the first of `names` that a span (or resource) has; NULL without names."""
    found = [f"attribute({attributes}, {quoted(name)})" for name in names]
    return f"coalesce({', '.join([*found, 'cast(null as varchar)'])})"

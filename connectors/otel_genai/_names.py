"""Attribute names: what the current conventions call a thing, then what others call it.

Others are older conventions (`gen_ai.system`), OpenInference (`llm.token_count.*`), OpenLLMetry
(`traceloop.*`), OpenLIT, Langfuse (`langfuse.*`), the Vercel AI SDK (`ai.*`), LiteLLM and vLLM.
"""

from collections.abc import Collection

from connectors._sql import quoted

OPERATION = (
    "gen_ai.operation.name",
    "langfuse.observation.type",
    "openinference.span.kind",
    "llm.request.type",
    "ai.operationId",
    "traceloop.span.kind",
)
# What a model bills.
OPERATIONS = ("chat", "text_completion", "generate_content", "embeddings")
OTHER_NAMES = {
    "chat": (
        "llm", "generation", "acompletion", "responses", "aresponses", "anthropic_messages",
        "ai.generatetext.dogenerate", "ai.streamtext.dostream",
        "ai.generateobject.dogenerate", "ai.streamobject.dostream",
    ),
    "text_completion": ("completion", "text-completion", "atext_completion"),
    "embeddings": (
        "embedding", "aembedding", "ai.embed.doembed", "ai.embedmany.doembed",
    ),
}  # fmt: skip
# What repeats the usage of the calls below it, or has none; all memory operations besides.
OTHER_OPERATIONS = (
    "retrieval", "execute_tool", "create_agent", "invoke_agent", "invoke_workflow", "plan",
    "fetch_response", "agent", "chain", "evaluator", "guardrail", "prompt", "rerank", "reranker",
    "retriever", "tool", "workflow", "task", "framework", "vectordb", "event",
    "ai.generatetext", "ai.streamtext", "ai.generateobject", "ai.streamobject", "ai.embed",
    "ai.embedmany", "ai.toolcall",
)  # fmt: skip

# Counts of tokens as a span says them, cached ones inside the input.
TOKENS = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
    ),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "llm.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "llm.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
    ),
    # Of the cache writes, those that are known to live for an hour.
    "cache_write_1h_tokens": (),
    "audio_input_tokens": (
        "gen_ai.usage.audio.input_tokens",
        "gen_ai.usage.details.input_audio_tokens",
        "llm.token_count.prompt_details.audio",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
    ),
    "audio_output_tokens": (
        "gen_ai.usage.audio.output_tokens",
        "gen_ai.usage.details.output_audio_tokens",
        "llm.token_count.completion_details.audio",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
    "total_tokens": (
        "gen_ai.usage.total_tokens",
        "llm.usage.total_tokens",
        "llm.token_count.total",
        "ai.usage.totalTokens",
    ),
}

# What else a call of a model says of itself.
CALL = {
    "provider_name": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ),
    "request_model": (
        "gen_ai.request.model",
        "llm.request.model_name",
        "llm.request.model",
        "langfuse.observation.model.name",
        "ai.model.id",
    ),
    "response_model": (
        "gen_ai.response.model",
        "llm.response.model_name",
        "llm.response.model",
        "ai.response.model",
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
    "level": ("langfuse.observation.level",),
    # One's own cache answered.
    "cache_hit": (
        "cache_hit",
        "litellm.cache_hit",
        "metadata.cache_hit",
        "gen_ai.response.cache_hit",
        "gen_ai.cache.hit",
        "llm.cache_hit",
    ),
    "first_token_seconds": (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
        "gen_ai.latency.time_to_first_token",
        "gen_ai.server.ttft",
    ),
    "first_token_milliseconds": ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
    "first_token_time": ("langfuse.observation.completion_start_time",),
    "queued_seconds": ("gen_ai.latency.time_in_queue",),
    "sample_rate": ("SampleRate", "sampling.rate", "sample_rate", "sampling.probability"),
}
LEAF = {**TOKENS, **CALL}

# JSON objects of counts: Langfuse's own, and the vendor's answer that the Vercel AI SDK hands on.
USAGE_DETAILS = "langfuse.observation.usage_details"
PROVIDER_METADATA = "ai.response.providerMetadata"
USAGE = (*TOKENS["input_tokens"], *TOKENS["output_tokens"], USAGE_DETAILS)

CONVERSATION = (
    "gen_ai.conversation.id",
    "langfuse.session.id",
    "session.id",
    "ai.telemetry.metadata.sessionId",
    "traceloop.association.properties.session_id",
)
SERVICE = ("service.name",)

# Names that mean the same as one that is configured for an entity, and go after it.
SYNONYMS = {
    "gen_ai.workflow.name": ("traceloop.workflow.name",),
    "deployment.environment.name": ("langfuse.environment", "gen_ai.environment"),
    "enduser.id": ("user.id", "langfuse.user.id"),
}
# What a gateway found out from the key of the request. `metadata.team_id` and the like are none:
# LiteLLM copies those from the body of the request.
GATEWAY = {
    "customer": (
        "metadata.user_api_key_end_user_id",
        "litellm.metadata.user_api_key_end_user_id",
    ),
    "team": (
        "metadata.user_api_key_team_id",
        "litellm.metadata.user_api_key_team_id",
        "litellm.team.id",
    ),
}
GATEWAY_KEY = (
    "metadata.user_api_key_hash",
    "litellm.metadata.user_api_key_hash",
    "metadata.user_api_key_alias",
    "litellm.metadata.user_api_key_alias",
)

# Events that come with the first token of a stream.
FIRST_TOKEN_EVENTS = (
    "first token stream event", "ai.stream.firstchunk", "gen_ai.first_token", "first_token",
    "llm.content.completion.chunk", "gen_ai.content.completion.chunk",
)  # fmt: skip


def synonyms(configured: tuple[str, ...]) -> tuple[str, ...]:
    """Return the configured names of an entity, then those that others give to the same."""
    others = [other for name in configured for other in SYNONYMS.get(name, ())]
    return tuple(dict.fromkeys([*configured, *others]))


def first(
    names: tuple[str, ...],
    attributes: str = "attributes",
    present: Collection[str] | None = None,
) -> str:
    """Return the SQL of the first of `names` that a span (or resource) has; NULL without names.

    Of names that are not `present` in the whole file, nothing is asked.
    """
    asked = [name for name in names if present is None or name in present]
    found = [f"attribute({attributes}, {quoted(name)})" for name in asked]
    if not found:
        return "cast(null as varchar)"
    return f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]

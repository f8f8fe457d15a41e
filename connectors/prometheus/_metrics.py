"""Which metric says what: one table. A model server more is a line more.

A line names metrics by a pattern of their whole name, what they say (one of COUNTERS or GAUGES of
models/signals.py, or a fact of _places.py), and by what the value is multiplied. Where a server
says the same by several metrics (a new name beside the old one), those of the lowest `rank` count.
"""

from dataclasses import dataclass

from models.signals import COUNTERS, GAUGES


@dataclass(frozen=True)
class Query:
    """A question to the server: all metrics of its lines, and only series with these labels.

    Facts hardly change: they are asked for every few minutes and not sample by sample.
    """

    name: str
    matchers: str = ""
    is_fact: bool = False


@dataclass(frozen=True)
class Line:
    query: str
    names: str
    says: str
    scale: str = "1"
    rank: int = 0
    # Only series with this label, matching this pattern.
    label: str = ""
    value: str = ""

    @property
    def kind(self) -> str:
        if self.says in COUNTERS:
            return "counter"
        return "gauge" if self.says in GAUGES else "fact"


_GPU_RESOURCES = "nvidia_com_.+|amd_com_gpu"
QUERIES = (
    Query("vllm"),
    Query("sglang"),
    Query("tgi"),
    Query("triton"),
    Query("dcgm"),
    Query("kube_pods", 'condition="true"'),
    Query("kube_pods_done", 'phase=~"Succeeded|Failed"'),
    Query("kube_deleted"),
    Query("kube_nodes", 'condition="Ready",status=~"true|false"'),
    Query("kube_scale"),
    Query("kube_requests", f'resource=~"cpu|{_GPU_RESOURCES}"'),
    Query("kube_facts", is_fact=True),
    Query("kube_capacity", f'resource=~"cpu|{_GPU_RESOURCES}"', is_fact=True),
    Query("cadvisor", 'container!="",container!="POD"'),
)

_VLLM = "(ray_|kserve_)?vllm[:_]"
_SGLANG = "sglang[:_]"
LINES = (
    # vLLM, also behind Ray and KServe. `gpu_prefix_cache_hits` counts blocks and is no line.
    Line("vllm", f"{_VLLM}prompt_tokens_total", "input_tokens"),
    Line("vllm", f"{_VLLM}generation_tokens_total", "output_tokens"),
    Line("vllm", f"{_VLLM}prompt_tokens_cached_total", "cache_read_tokens"),
    Line("vllm", f"{_VLLM}prefix_cache_hits_total", "cache_read_tokens", rank=1),
    Line("vllm", f"{_VLLM}request_success_total", "requests"),
    Line(
        "vllm", f"{_VLLM}request_success_total", "failed_requests",
        label="finished_reason", value="abort|error",
    ),
    Line("vllm", f"{_VLLM}num_preemptions_total", "preemptions"),
    Line("vllm", f"{_VLLM}num_requests_running", "requests_running"),
    Line("vllm", f"{_VLLM}num_requests_waiting", "requests_waiting"),
    Line("vllm", f"{_VLLM}kv_cache_usage_perc", "kv_cache_usage"),
    Line("vllm", f"{_VLLM}gpu_cache_usage_perc", "kv_cache_usage", rank=1),
    # SGLang
    Line("sglang", f"{_SGLANG}prompt_tokens_total", "input_tokens"),
    Line("sglang", f"{_SGLANG}generation_tokens_total", "output_tokens"),
    Line("sglang", f"{_SGLANG}cached_tokens_total", "cache_read_tokens"),
    Line("sglang", f"{_SGLANG}num_requests_total", "requests"),
    Line("sglang", f"{_SGLANG}num_aborted_requests_total", "failed_requests"),
    Line("sglang", f"{_SGLANG}num_running_reqs", "requests_running"),
    Line("sglang", f"{_SGLANG}num_queue_reqs", "requests_waiting"),
    Line("sglang", f"{_SGLANG}token_usage", "kv_cache_usage"),
    # Text Generation Inference: tokens are the sums of histograms.
    Line("tgi", "tgi_request_input_length_sum", "input_tokens"),
    Line("tgi", "tgi_request_generated_tokens_sum", "output_tokens"),
    Line("tgi", "tgi_request_count(_total)?", "requests"),
    Line("tgi", "tgi_request_failure(_total)?", "failed_requests"),
    Line("tgi", "tgi_batch_current_size", "requests_running"),
    Line("tgi", "tgi_queue_size", "requests_waiting"),
    # Triton, and its TensorRT-LLM backend. Triton knows no tokens.
    Line("triton", "nv_inference_request_(success|failure)", "requests"),
    Line("triton", "nv_inference_request_failure", "failed_requests"),
    Line(
        "triton", "nv_trt_llm_request_metrics", "requests_running",
        label="request_type", value="scheduled",
    ),
    Line(
        "triton", "nv_trt_llm_request_metrics", "requests_waiting",
        label="request_type", value="waiting",
    ),
    Line("triton", "nv_inference_pending_request_count", "requests_waiting", rank=1),
    Line("triton", "nv_trt_llm_kv_cache_block_metrics", "kv_cache_usage",
         label="kv_cache_block_type", value="fraction"),
    Line("triton", "nv_gpu_utilization", "gpu_utilization"),
    Line("triton", "nv_gpu_memory_used_bytes", "gpu_memory_used"),
    Line("triton", "nv_gpu_power_usage", "gpu_power"),
    # DCGM: per cent, MiB, watts, shares.
    Line("dcgm", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gpu_active"),
    Line("dcgm", "DCGM_FI_DEV_GPU_UTIL", "gpu_utilization", "0.01"),
    Line("dcgm", "DCGM_FI_DEV_FB_USED", "gpu_memory_used", "1048576"),
    Line("dcgm", "DCGM_FI_DEV_POWER_USAGE", "gpu_power"),
    # kube-state-metrics
    Line("kube_pods", "kube_pod_status_ready", "pod_ready"),
    Line("kube_pods", "kube_pod_status_scheduled", "pod_scheduled"),
    Line("kube_pods_done", "kube_pod_status_phase", "pod_done"),
    Line("kube_deleted", "kube_pod_deletion_timestamp", "pod_deleted"),
    Line("kube_deleted", "kube_node_deletion_timestamp", "node_deleted"),
    Line("kube_nodes", "kube_node_status_condition", "node_ready", label="status", value="true"),
    Line(
        "kube_nodes", "kube_node_status_condition", "node_not_ready", label="status", value="false"
    ),
    Line(
        "kube_requests", "kube_pod_container_resource_requests", "gpus_requested",
        label="resource", value="nvidia_com_gpu(_shared)?|amd_com_gpu",
    ),
    Line(
        "kube_requests", "kube_pod_container_resource_requests", "cpu_requested",
        label="resource", value="cpu",
    ),
    Line(
        "kube_requests", "kube_pod_container_resource_requests", "slices_requested",
        label="resource", value="nvidia_com_mig_.+",
    ),
    Line(
        "kube_scale", "kube_horizontalpodautoscaler_status_desired_replicas", "replicas_desired"
    ),
    Line("kube_scale", "kube_horizontalpodautoscaler_status_current_replicas", "replicas_ready"),
    Line("kube_facts", "kube_pod_info", "pod_info"),
    Line("kube_facts", "kube_pod_created", "pod_created"),
    Line("kube_facts", "kube_pod_status_scheduled_time", "pod_scheduled_at"),
    Line("kube_facts", "kube_pod_status_ready_time", "pod_ready_at"),
    Line("kube_facts", "kube_node_info", "node_info"),
    Line("kube_facts", "kube_node_created", "node_created"),
    Line("kube_facts", "kube_node_labels", "node_labels"),
    Line("kube_capacity", "kube_node_status_capacity", "cpu_capacity",
         label="resource", value="cpu"),
    Line(
        "kube_capacity", "kube_node_status_capacity", "gpu_capacity",
        label="resource", value="nvidia_com_gpu(_shared)?|amd_com_gpu",
    ),
    Line(
        "kube_capacity", "kube_node_status_capacity", "slice_capacity",
        label="resource", value="nvidia_com_mig_.+",
    ),
    # cAdvisor: the seconds between two samples, over the time between them, become a gauge.
    Line("cadvisor", "container_cpu_usage_seconds_total", "cpu_used"),
)  # fmt: skip

# Of several series of one pod, what their sum says.
SUMMED = ("requests_running", "requests_waiting", "gpus_requested", "cpu_requested", "cpu_used")
ENGINES = ("vllm", "sglang", "tgi", "triton")


def selector(query: Query, matchers: str) -> str:
    """Return the PromQL selector of a query's series."""
    names = dict.fromkeys(line.names for line in LINES if line.query == query.name)
    parts = [f'__name__=~"{"|".join(names)}"', query.matchers, matchers]
    return "{" + ",".join(part for part in parts if part) + "}"

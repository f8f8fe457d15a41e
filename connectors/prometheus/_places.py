"""Of which pod, node and GPU a series speaks.

A name is not an identity: pods of one name follow each other, so that a name and a time become the
uid of kube-state-metrics; nodes become what the bill calls them by their provider id.
"""

# The exporter of GPU metrics has a pod too, which is not the one that uses the GPU: where any
# series of a target says both, or where it is named so, `pod` is the exporter.
_SERIES = """
    create temp table labelled as
    with lined as (
        select
            copy.series_id, copy.metric, copy.target, copy.labels,
            line.says, line.kind, line.query, line.is_fact, line.scale, line.rank
        from copy inner join metric_line as line on line.metric = copy.metric
        where copy.copy = 1 and (line.label is null
            or coalesce(regexp_full_match(copy.labels[line.label], line.pattern), false))
    ),
    exporters as (
        select
            target,
            bool_or(coalesce(nullif(labels['exported_pod'], ''), nullif(labels['pod_name'], ''))
                is not null) as names_both
        from lined where query = 'dcgm' group by target
    )
    select
        lined.* exclude (labels, rank),
        query = 'dcgm' and (
            coalesce(exporters.names_both, false)
            or regexp_matches(
                concat_ws(' ', labels['pod'], labels['container']), 'dcgm|gpu-exporter'
            )
        ) as is_exporters,
        coalesce(
            own(labels, 'uid'), own(labels, 'pod_uid'), nullif(labels['k8s_pod_uid'], '')
        ) as uid,
        if(metric like 'kube_node%' or metric like 'kube_horizontal%', null, coalesce(
            nullif(labels['exported_pod'], ''), nullif(labels['pod_name'], ''),
            nullif(labels['k8s_pod_name'], ''), nullif(labels['kubernetes_pod_name'], ''),
            if(is_exporters, null, nullif(labels['pod'], ''))
        )) as pod_name,
        if(metric like 'kube_node%', null, coalesce(
            nullif(labels['exported_namespace'], ''), nullif(labels['pod_namespace'], ''),
            nullif(labels['k8s_namespace_name'], ''), nullif(labels['kubernetes_namespace'], ''),
            if(is_exporters, null, nullif(labels['namespace'], ''))
        )) as namespace,
        if(query like 'kube%',
            own(labels, 'node'),
            coalesce(
                nullif(labels['node'], ''), nullif(labels['kubernetes_node'], ''),
                nullif(labels['k8s_node_name'], ''), nullif(labels['nodename'], ''),
                nullif(labels['Hostname'], ''), nullif(labels['hostname'], '')
            )
        ) as node_name,
        nullif(regexp_replace(labels['instance'], ':[0-9]+$', ''), '') as host,
        try_cast(labels['gpu'] as bigint) as gpu_index,
        coalesce(nullif(labels['UUID'], ''), nullif(labels['gpu_uuid'], '')) as gpu_uuid,
        nullif(labels['GPU_I_PROFILE'], '') as mig_profile,
        try_cast(labels['GPU_I_ID'] as bigint) as mig_instance,
        if(query in ('vllm', 'sglang', 'tgi', 'triton'), coalesce(
            nullif(labels['model_name'], ''), nullif(labels['model'], ''),
            nullif(labels['model_id'], '')
        ), null) as model,
        coalesce(
            nullif(labels['horizontalpodautoscaler'], ''), nullif(labels['hpa'], '')
        ) as scaled,
        labels['resource'] as resource,
        labels
    from lined left join exporters on exporters.target = lined.target
    -- Of an old and a new name for the same, the new one.
    qualify rank = min(rank) over (partition by lined.target, query, says)
"""

_SPANS = """
    create temp table lifetime as
    select
        labelled.series_id, labelled.says,
        min(reading.sampled_at) as first_at,
        max(reading.sampled_at) as last_at,
        arg_max(reading.number, reading.sampled_at) as last_number
    from labelled inner join reading on reading.series_id = labelled.series_id
    where labelled.query like 'kube%'
    group by labelled.series_id, labelled.says
"""

# Times that Kubernetes itself noted are exact, samples are up to a scrape late.
_PODS = """
    create temp table pod as
    with told as (
        select
            labelled.uid,
            any_value(labelled.namespace) as namespace,
            any_value(labelled.pod_name) as pod_name,
            arg_max(nullif(labelled.labels['node'], ''), lifetime.last_at)
                filter (labelled.says = 'pod_info') as info_node,
            any_value(labelled.node_name)
                filter (labelled.says in ('gpus_requested', 'slices_requested', 'cpu_requested'))
                as requests_node,
            any_value(nullif(labelled.labels['pod_ip'], ''))
                filter (labelled.says = 'pod_info' and labelled.labels['host_network'] <> 'true')
                as pod_ip,
            min(lifetime.first_at) as first_at,
            max(lifetime.last_number) filter (labelled.says = 'pod_created') as created,
            max(lifetime.last_number) filter (labelled.says = 'pod_scheduled_at') as scheduled,
            max(lifetime.last_number) filter (labelled.says = 'pod_ready_at') as ready
        from labelled inner join lifetime
            on lifetime.series_id = labelled.series_id and lifetime.says = labelled.says
        where labelled.uid is not null and labelled.query like 'kube%'
        group by labelled.uid
    )
    select
        uid, namespace, pod_name, pod_ip, first_at,
        coalesce(info_node, requests_node) as node_name,
        make_timestamp_ms(cast(created * 1000 as bigint)) as created_at,
        make_timestamp_ms(cast(scheduled * 1000 as bigint)) as scheduled_at,
        make_timestamp_ms(cast(ready * 1000 as bigint)) as ready_at,
        least(coalesce(created_at, first_at), first_at) as begins_at
    from told
"""

# The bill's name of a machine is the last part of the provider id; of Azure all of it. Of GPUs that
# are shared in time the cluster counts the shares, and of GPUs in slices it may count the slices.
_NODES = """
    create temp table node as
    with told as (
        select
            labelled.node_name,
            arg_max(nullif(labelled.labels['provider_id'], ''), lifetime.last_at)
                filter (labelled.says = 'node_info') as provider_id,
            arg_max(coalesce(
                nullif(labelled.labels['label_karpenter_sh_nodepool'], ''),
                nullif(labelled.labels['label_eks_amazonaws_com_nodegroup'], ''),
                nullif(labelled.labels['label_cloud_google_com_gke_nodepool'], ''),
                nullif(labelled.labels['label_kubernetes_azure_com_agentpool'], ''),
                nullif(labelled.labels['label_agentpool'], '')
            ), lifetime.last_at) filter (labelled.says = 'node_labels') as pool,
            max(try_cast(labelled.labels['label_nvidia_com_gpu_count'] as bigint)) as gpus_labelled,
            coalesce(max(try_cast(labelled.labels['label_nvidia_com_gpu_replicas'] as bigint)), 1)
                as replicas,
            max(lifetime.last_number) filter (labelled.says = 'cpu_capacity') as cpus,
            max(lifetime.last_number) filter (labelled.says = 'gpu_capacity') as gpu_shares,
            sum(lifetime.last_number * try_cast(
                regexp_extract(labelled.resource, 'mig_(?:\\d+c_)?(\\d+)g', 1) as bigint
            )) filter (labelled.says = 'slice_capacity') as sevenths,
            max(lifetime.last_number) filter (labelled.says = 'node_created') as created
        from labelled inner join lifetime
            on lifetime.series_id = labelled.series_id and lifetime.says = labelled.says
        where labelled.query like 'kube%' and labelled.node_name is not null
            and labelled.metric like 'kube_node%'
        group by labelled.node_name
    ),
    seen as (
        select
            node_name,
            nullif(count(distinct gpu_index), 0) as gpus_seen,
            bool_or(mig_profile is not null) as is_sliced
        from labelled where query = 'dcgm' and node_name is not null group by node_name
    )
    select
        names.node_name,
        case
            when provider_id like 'azure:%' then regexp_replace(provider_id, '^azure:/+', '/')
            else nullif(regexp_extract(provider_id, '([^/]+)/*$', 1), '')
        end as provider_resource,
        pool,
        cpus,
        coalesce(replicas, 1) as replicas,
        coalesce(
            if(is_sliced, gpus_seen, null), gpus_labelled,
            nullif(cast(gpu_shares as bigint), 0) // replicas,
            nullif((cast(sevenths as bigint) + 6) // 7, 0), gpus_seen
        ) as gpu_count,
        nullif(cast(gpu_shares as bigint), 0) as gpu_shares,
        make_timestamp_ms(cast(created * 1000 as bigint)) as created_at
    from (
        select node_name from told
        union select node_name from seen
        union select node_name from pod where node_name is not null
    ) as names
    left join told on told.node_name = names.node_name
    left join seen on seen.node_name = names.node_name
"""

# A series that names its pod by address only is the pod's that has this address. Where one pod only
# had a name, the name says which; else the time does.
_KNOWN = """
    create temp table known_series as
    with addressed as (
        select pod_ip, min(uid) as uid, min(namespace) as namespace, min(pod_name) as pod_name
        from pod where pod_ip is not null group by pod_ip having count(*) = 1
    ),
    named as (
        select namespace, pod_name, min(uid) as uid
        from pod group by namespace, pod_name having count(*) = 1
    )
    select
        labelled.* exclude (labels, uid, namespace, pod_name, is_exporters),
        coalesce(
            labelled.uid, named.uid, if(labelled.pod_name is null, addressed.uid, null)
        ) as uid,
        coalesce(labelled.namespace, addressed.namespace) as namespace,
        coalesce(labelled.pod_name, addressed.pod_name) as pod_name,
        row_number() over (order by labelled.says, labelled.series_id) as known_id
    from labelled
    left join addressed
        on addressed.pod_ip = labelled.host
        and labelled.query in ('vllm', 'sglang', 'tgi', 'triton')
    left join named
        on named.namespace = labelled.namespace and named.pod_name = labelled.pod_name
"""

# Of which pod each series of a server or GPU last spoke: which GPUs it holds, what it serves.
_HOLDERS = """
    create temp table holder as
    with spoken as (
        select series_id, max(sampled_at) as last_at from reading group by series_id
    ),
    named as (
        select known.*, spoken.last_at
        from known_series as known inner join spoken on spoken.series_id = known.series_id
        where known.query not like 'kube%' and known.kind <> 'fact'
            and (known.uid is not null or known.pod_name is not null)
    )
    select distinct
        coalesce(named.uid, pod.uid) as uid, named.query, named.model,
        named.gpu_index, named.mig_profile, named.mig_instance
    from named
    asof left join pod
        on pod.namespace = named.namespace and pod.pod_name = named.pod_name
        and pod.begins_at <= named.last_at
    where coalesce(named.uid, pod.uid) is not null
"""

PLACES = (_SERIES, _SPANS, _PODS, _NODES, _KNOWN, _HOLDERS)

-- When a pool had too little: as the days tell, in one file for readers.
select * from {{ ref('int_scaling_episodes') }}

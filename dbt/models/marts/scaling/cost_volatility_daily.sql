-- How much the cost of an inference differs from hour to hour: as the days tell, in one file for readers.
select * from {{ ref('int_cost_volatility') }}

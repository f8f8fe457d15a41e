-- Per source, period and currency: the ledger in the reporting currency is what its charges cost,
-- converted once; and per day every view of it has its sum. Exactly: nothing is rounded.
with charges as (
    select source, billing_period, billing_currency, sum(effective_cost)::decimal(38, 12) as effective_cost
    from {{ ref('int_charges') }}
    where {{ is_new('billing_period') }}
    group by source, billing_period, billing_currency
),

ledger as (
    select source, billing_period, billing_currency, sum(reporting_cost) as reporting_cost
    from {{ ref('allocated_costs') }}
    where {{ is_new('billing_period') }}
    group by source, billing_period, billing_currency
),

views as (
    select 'ledger' as view_name, charge_date, sum(reporting_cost) as reporting_cost
    from {{ ref('allocated_costs') }}
    where {{ is_new('charge_date') }}
    group by charge_date
    {%- for name in ['customer', 'feature', 'workflow', 'model'] %}
    union all
    select '{{ name }}', charge_date, sum(reporting_cost)
    from {{ ref(name ~ '_costs_daily') }}
    where effective_cost is not null and {{ is_new('charge_date') }}
    group by charge_date
    {%- endfor %}
)

select rates.source || ' ' || rates.billing_period || ' ' || rates.billing_currency as what
from {{ ref('int_exchange_rates') }} as rates
inner join charges
    on
        rates.source = charges.source
        and rates.billing_period = charges.billing_period
        and rates.billing_currency = charges.billing_currency
left join ledger
    on
        rates.source = ledger.source
        and rates.billing_period = ledger.billing_period
        and rates.billing_currency = ledger.billing_currency
where charges.effective_cost * rates.exchange_rate <> coalesce(ledger.reporting_cost, 0)
union all
select charge_date::varchar
from views
group by charge_date
having count(*) <> 5 or min(reporting_cost) is distinct from max(reporting_cost)

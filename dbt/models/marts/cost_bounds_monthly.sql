-- By the calendar month of use (UTC): what is lost of a month is better known than what is lost of each day.
with {{ cost_bounds("strftime(charge_date, '%Y-%m')") }}

select
    grain as charge_month,
    {{ bounded_columns() }}
from bounded

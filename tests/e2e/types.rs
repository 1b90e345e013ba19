//! Every type arrives as PostgreSQL itself writes the value.

use crate::support::scenario::Scenario;

const FIXTURE: &str = include_str!("../fixtures/types.sql");

/// What each row must print, from the fixture's literals and the project's type table.
const EXPECTED: [(&str, &str); 12] = [
    (
        "SELECT concat_ws('|', b, t, s, i, l) FROM public.numbers WHERE id = 1",
        "t|255|32767|2147483647|9223372036854775807",
    ),
    (
        "SELECT concat_ws('|', b, t, s, i, l) FROM public.numbers WHERE id = 2",
        "f|0|-32768|-2147483648|-9223372036854775808",
    ),
    (
        "SELECT concat_ws('|', d38, d10, n, f38) FROM public.numbers WHERE id = 2",
        "-99999999999999999999999999999999999999|-9999999999999999999999999999.9999999999|-9999999.99|-0.99999999999999999999999999999999999999",
    ),
    (
        "SELECT concat_ws('|', m, sm, r, f) FROM public.numbers WHERE id = 2",
        "-922337203685477.5808|-214748.3648|-3.4028235e+38|-1.7976931348623157e+308",
    ),
    (
        "SELECT concat_ws('|', d38, d10, n, f38, m, sm) FROM public.numbers WHERE id = 4",
        "10000|0.0001000000|0.01|0.00000000000000000000000000000000000001|0.0001|-0.0001",
    ),
    (
        "SELECT concat_ws('|', d, t0, t3, t7, sd, dt) FROM public.moments WHERE id = 2",
        "9999-12-31|23:59:59|23:59:59.999|23:59:59.999999|2079-06-06 23:59:00|9999-12-31 23:59:59.997",
    ),
    (
        "SELECT concat_ws('|', dt, d20, d23, d27) FROM public.moments WHERE id = 5",
        "1999-12-31 23:59:59.007|1582-10-04 00:00:00|1969-12-31 23:59:59.999|1969-12-31 23:59:59.999999",
    ),
    (
        "SELECT concat_ws('|', o0 AT TIME ZONE 'UTC', o7 AT TIME ZONE 'UTC') FROM public.moments WHERE id = 4",
        "2024-05-06 01:38:09|2024-05-06 15:08:09.123456",
    ),
    (
        "SELECT count(*) FROM public.texts WHERE id = 2 AND v = '' AND vm = '' AND nv = '' AND nvm = ''",
        "1",
    ),
    (
        "SELECT concat_ws('|', v, vm IS NULL, nv) FROM public.texts WHERE id = 1",
        "trailing  |f|trailing  ",
    ),
    (
        "SELECT concat_ws('|', v, nv, nvm) FROM public.texts WHERE id = 4",
        "tab\tback\\slash \\N|naïve Ωμέγα|emoji 😀 and combining é",
    ),
    (
        "SELECT concat_ws('|', b, v, encode(m, 'hex') = '', g) FROM public.bytes WHERE id = 1",
        "\\x00010203|\\x|t|6f9619ff-8b86-d011-b42d-00c04fc964ff",
    ),
];

#[test]
fn extremes_nulls_and_empty_values_arrive_as_they_were() {
    let scenario = Scenario::loaded(FIXTURE);
    scenario.job("").report(&[], 0);
    for (sql, expected) in EXPECTED {
        assert_eq!(scenario.value(sql), expected, "{sql}");
    }
    for table in ["numbers", "moments", "texts", "bytes"] {
        let filled = scenario.value(&format!("SELECT count(*) FROM public.{table} t, jsonb_each(to_jsonb(t)) AS e WHERE id = 3 AND e.value <> 'null' AND e.key <> 'id'"));
        assert_eq!(filled, "0", "{table}: a NULL stays NULL");
    }
}

-- Blanks around it do not count, and a blank text or a sign alone is 0.
CREATE OR REPLACE FUNCTION {function}(value text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN btrim(value) !~ '^[-+]? *[0-9]*$' THEN NULL
        WHEN btrim(value) !~ '[0-9]' THEN 0
        WHEN length(ltrim(btrim(value), '+- 0')) > 19 THEN NULL
        WHEN replace(btrim(value), ' ', '')::numeric
            BETWEEN -9223372036854775808 AND 9223372036854775807
            THEN replace(btrim(value), ' ', '')::bigint
    END
$$

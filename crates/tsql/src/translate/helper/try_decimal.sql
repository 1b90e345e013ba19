-- Digits with a sign and a point; no exponent, and an empty text is not a decimal.
CREATE OR REPLACE FUNCTION {function}(value text, digits integer, scale integer) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN btrim(value) ~ '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)$'
            AND abs(round(btrim(value)::numeric, scale)) < 10::numeric ^ (digits - scale)
            THEN round(btrim(value)::numeric, scale)
    END
$$

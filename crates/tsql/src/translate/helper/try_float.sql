-- Digits with a sign, a point and an exponent after e or d; a blank text is 0.
CREATE OR REPLACE FUNCTION {function}(value text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF btrim(value) = '' THEN
        RETURN 0;
    ELSIF btrim(value) ~ '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][-+]?[0-9]+)?$' THEN
        RETURN translate(btrim(value), 'dD', 'ee')::double precision;
    END IF;
    RETURN NULL;
EXCEPTION WHEN numeric_value_out_of_range THEN
    RETURN NULL;
END
$$

-- Up to six digits; beyond six places before the point, or four zeros after it, with an exponent
-- of three digits.
CREATE OR REPLACE FUNCTION {function}(value double precision) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    shown text;
    exponent integer;
BEGIN
    IF value = 0 THEN
        RETURN '0';
    END IF;
    shown := btrim(to_char(value, '9.99999EEEE'));
    exponent := split_part(shown, 'e', 2);
    IF exponent BETWEEN -4 AND 5 THEN
        RETURN trim_scale(split_part(shown, 'e', 1)::numeric * 10::numeric ^ exponent)::text;
    END IF;
    RETURN trim_scale(split_part(shown, 'e', 1)::numeric)::text || 'e'
        || CASE WHEN exponent < 0 THEN '-' ELSE '+' END
        || lpad(abs(exponent)::text, 3, '0');
END
$$

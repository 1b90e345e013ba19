-- 1 if a text is a number of any type, 0 if it is none; a form that is not known fails.
CREATE OR REPLACE FUNCTION {function}(value text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    plain text := btrim(value);
BEGIN
    IF plain IS NULL OR plain = '' THEN
        RETURN 0;
    ELSIF plain ~ '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][-+]?[0-9]+)?$'
        OR plain ~ '^[-+]?\$?[0-9]+(,[0-9]{3})*(\.[0-9]*)?$'
        OR plain ~ '^[-+.,$]$' THEN
        RETURN 1;
    ELSIF plain ~ '[^-+.,$0-9eEdD[:space:][:cntrl:]£€¥¢¤\\]'
        OR plain !~ '[0-9]' AND plain ~ '[eEdD]'
        OR plain ~ '[0-9] +[0-9]'
        OR plain ~ '[0-9]+[-+][0-9]' AND plain !~ '[eEdD]'
        OR plain ~ '\..*\.'
        OR plain ~ '^[eEdD]'
        OR plain ~ '[eEdD].*[eEdD]' THEN
        RETURN 0;
    END IF;
    RAISE EXCEPTION 'cannot tell whether SQL Server holds a text for a number'
        USING ERRCODE = 'invalid_text_representation';
END
$$

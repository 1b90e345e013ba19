-- 36 characters, of which those behind do not count, or as many between braces.
CREATE OR REPLACE FUNCTION {function}(value text) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN left(value, 36) ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN left(value, 36)::uuid
        WHEN left(value, 38) ~* '^\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}$'
            THEN substr(value, 2, 36)::uuid
    END
$$

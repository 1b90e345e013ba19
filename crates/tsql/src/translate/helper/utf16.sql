-- The bytes of a text in UTF-16, the lower one first, as nvarchar keeps them.
CREATE OR REPLACE FUNCTION {function}(value text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(CASE
        WHEN code < 65536 THEN set_byte(set_byte('\x0000', 0, code & 255), 1, code >> 8)
        ELSE set_byte(set_byte(set_byte(set_byte('\x00000000',
            0, ((code - 65536) >> 10) & 255), 1, 216 + ((code - 65536) >> 18)),
            2, code & 255), 3, 220 + ((code >> 8) & 3))
        END, '' ORDER BY place), '')
    FROM (SELECT ascii(letter) AS code, place
        FROM unnest(string_to_array(value, NULL)) WITH ORDINALITY AS letters (letter, place)) AS codes
$$

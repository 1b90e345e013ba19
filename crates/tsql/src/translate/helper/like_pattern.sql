-- A pattern of LIKE as an advanced regular expression of the whole text. An open end leaves
-- trailing blanks of the text to the pattern, otherwise they may be there or not.
CREATE OR REPLACE FUNCTION {function}(pattern text, escape text, open_end boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    made text := '^';
    rest text := pattern;
    one text;
    class text;
BEGIN
    IF pattern IS NULL THEN
        RETURN NULL;
    END IF;
    WHILE rest <> '' LOOP
        one := left(rest, 1);
        rest := substr(rest, 2);
        IF one = escape THEN
            made := made || regexp_replace(left(rest, 1), '([^[:alnum:][:space:]])', '\\\1');
            rest := substr(rest, 2);
        ELSIF one = '%' THEN
            made := made || '.*';
        ELSIF one = '_' THEN
            made := made || '.';
        ELSIF one = '[' THEN
            class := substring(rest from '^(\^?[^]]+)\]');
            IF class IS NULL OR position(escape IN class) > 0 THEN
                RAISE EXCEPTION 'cannot tell what SQL Server finds with a pattern'
                    USING ERRCODE = 'invalid_regular_expression';
            END IF;
            rest := substr(rest, length(class) + 2);
            made := made || '['
                || CASE WHEN left(class, 1) = '^' THEN '^' ELSE '' END
                || regexp_replace(
                    CASE WHEN left(class, 1) = '^' THEN substr(class, 2) ELSE class END,
                    '([^-[:alnum:][:space:]])', '\\\1', 'g')
                || ']';
        ELSE
            made := made || regexp_replace(one, '([^[:alnum:][:space:]])', '\\\1');
        END IF;
    END LOOP;
    RETURN made || CASE WHEN open_end THEN '$' ELSE ' *$' END;
END
$$

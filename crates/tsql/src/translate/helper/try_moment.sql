-- A text as a date and time. `day_order` is mdy, as with the language us_english, or that of a
-- style of CONVERT; `earlier` is datetime, which begins in 1753 and has three fractional digits.
-- A text that is not a date is NULL; one in a form whose reading is not known fails.
CREATE OR REPLACE FUNCTION {function}(value text, day_order text, earlier boolean)
RETURNS timestamp
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    months CONSTANT text :=
        '(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)'
        '(?:uary|ruary|ch|il|e|y|ust|tember|ober|ember)?';
    days text := lower(btrim(value) COLLATE "C");
    clock text := '';
    parts text[];
    named integer;
    year integer;
    month integer := 1;
    day integer := 1;
    hours integer := 0;
    minutes integer := 0;
    seconds numeric := 0;
    made timestamp;
BEGIN
    IF days = '' THEN
        RETURN timestamp '1900-01-01';
    ELSIF days !~ '[0-9]'
        OR regexp_replace(days, months || '|am|pm|t|z', '', 'g') ~ '[^-/.,: 0-9]'
        OR days ~ '^([0-9]{1,3}|[0-9]{5}|[0-9]{7}|[0-9]{9,})$' THEN
        RETURN NULL;
    END IF;
    parts := regexp_match(days,
        '^(.*?)(?:^|[ t])([0-9]{1,2}(?::[0-9]{1,2}){1,2}(?:[.:][0-9]{1,7})? *(?:am|pm)?)$');
    IF parts IS NOT NULL THEN
        days := btrim(parts[1]);
        clock := parts[2];
    END IF;
    IF days = '' THEN
        year := 1900;
    ELSIF days ~ '^[0-9]{8}$' THEN
        year := substr(days, 1, 4);
        month := substr(days, 5, 2);
        day := substr(days, 7, 2);
    ELSIF days ~ '^[0-9]{6}$' THEN
        year := substr(days, 1, 2);
        month := substr(days, 3, 2);
        day := substr(days, 5, 2);
    ELSIF days ~ '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$' AND day_order <> 'dmy' THEN
        parts := string_to_array(days, '-');
        year := parts[1];
        month := parts[2];
        day := parts[3];
    ELSIF days ~ '^[0-9]{1,2}([-/.])[0-9]{1,2}\1([0-9]{2}|[0-9]{4})$' AND day_order <> 'ymd' THEN
        parts := regexp_split_to_array(days, '[-/.]');
        year := parts[3];
        month := parts[CASE day_order WHEN 'mdy' THEN 1 ELSE 2 END];
        day := parts[CASE day_order WHEN 'mdy' THEN 2 ELSE 1 END];
    ELSIF days ~ ('^' || months || ' +[0-9]{1,2},? +[0-9]{4}$') THEN
        parts := regexp_match(days, '^' || months || ' +([0-9]{1,2}),? +([0-9]{4})$');
        named := position(parts[1] IN 'janfebmaraprmayjunjulaugsepoctnovdec');
        month := (named + 2) / 3;
        day := parts[2];
        year := parts[3];
    ELSIF days ~ ('^[0-9]{1,2}[- ]+' || months || '[-, ]+[0-9]{4}$') THEN
        parts := regexp_match(days, '^([0-9]{1,2})[- ]+' || months || '[-, ]+([0-9]{4})$');
        named := position(parts[2] IN 'janfebmaraprmayjunjulaugsepoctnovdec');
        month := (named + 2) / 3;
        day := parts[1];
        year := parts[3];
    ELSIF days ~ '^[0-9]{4}$' THEN
        year := days;
    ELSE
        RAISE EXCEPTION 'cannot tell how SQL Server reads a text as a date'
            USING ERRCODE = 'invalid_datetime_format';
    END IF;
    IF clock <> '' THEN
        parts := regexp_match(clock,
            '^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2}))?(?:[.:]([0-9]{1,7}))? *(am|pm)?$');
        hours := parts[1];
        minutes := parts[2];
        seconds := coalesce(parts[3], '0') || '.' || coalesce(parts[4], '0');
        IF parts[5] IS NOT NULL THEN
            IF hours NOT BETWEEN 1 AND 12 THEN
                RETURN NULL;
            END IF;
            hours := hours % 12 + CASE parts[5] WHEN 'pm' THEN 12 ELSE 0 END;
        END IF;
        IF hours > 23 OR minutes > 59 OR seconds >= 60
            OR (earlier AND length(parts[4]) > 3) THEN
            RETURN NULL;
        END IF;
    END IF;
    -- The two-digit year cutoff is 2049.
    IF year < 100 AND (days ~ '^[0-9]{6}$' OR days ~ '[-/.][0-9]{2}$' AND days !~ '^[0-9]{4}') THEN
        year := year + (CASE WHEN year < 50 THEN 2000 ELSE 1900 END);
    END IF;
    IF year < (CASE WHEN earlier THEN 1753 ELSE 1 END) THEN
        RETURN NULL;
    END IF;
    IF earlier THEN
        seconds := round(seconds * 300) / 300;
    END IF;
    made := make_date(year, month, day)::timestamp
        + make_interval(hours => hours, mins => minutes, secs => seconds::double precision);
    RETURN CASE WHEN earlier THEN made::timestamp(3) ELSE made END;
EXCEPTION WHEN datetime_field_overflow OR numeric_value_out_of_range THEN
    RETURN NULL;
END
$$

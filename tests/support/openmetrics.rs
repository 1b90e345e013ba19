//! Reads OpenMetrics text as strictly as its specification writes it (OpenMetrics 1.0, sections 3 and 5).

use std::collections::{BTreeMap, BTreeSet};

/// One sample: its name, its labels by name, its value.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// A family with its metadata and samples, in the order of the text.
#[derive(Debug, Default)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub unit: Option<String>,
    pub help: Option<String>,
    pub samples: Vec<Sample>,
}

/// All families of a scrape.
#[derive(Debug)]
pub struct Scrape(pub Vec<Family>);

impl Scrape {
    /// # Errors
    /// The first rule that the text breaks, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let body = text.strip_suffix("# EOF\n").ok_or("no # EOF at the end")?;
        let mut families: Vec<Family> = Vec::new();
        for line in body.lines() {
            read_line(line, &mut families).map_err(|error| format!("{error}: {line}"))?;
        }
        let mut names = BTreeSet::new();
        for family in &families {
            if !names.insert(&family.name) {
                return Err(format!("{} comes twice", family.name));
            }
            family
                .check()
                .map_err(|error| format!("{}: {error}", family.name))?;
        }
        Ok(Self(families))
    }

    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.0.iter().flat_map(|family| &family.samples)
    }

    /// The value of a sample with these labels, among others.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let found = self.samples().find(|sample| {
            let mut wanted = labels.iter();
            sample.name == name
                && wanted.all(|(key, value)| sample.labels.get(*key).is_some_and(|is| is == value))
        });
        found.map(|sample| sample.value)
    }
}

fn read_line(line: &str, families: &mut Vec<Family>) -> Result<(), String> {
    let Some(metadata) = line.strip_prefix("# ") else {
        let sample = sample(line)?;
        let family = families.last_mut().ok_or("a sample before its family")?;
        if !suffixes(&family.kind)
            .iter()
            .any(|end| sample.name == format!("{}{end}", family.name))
        {
            return Err(format!(
                "a sample that is not of {}, a {}",
                family.name, family.kind
            ));
        }
        family.samples.push(sample);
        return Ok(());
    };
    let mut words = metadata.splitn(3, ' ');
    let (Some(what), Some(name), Some(text)) = (words.next(), words.next(), words.next()) else {
        return Err("metadata of fewer than three words".to_owned());
    };
    if families.last().is_none_or(|family| family.name != name) {
        families.push(Family {
            name: name.to_owned(),
            ..Family::default()
        });
    }
    let family = families.last_mut().ok_or("no family")?;
    if !family.samples.is_empty() {
        return Err("metadata after samples".to_owned());
    }
    let kept = match what {
        "TYPE" => (!std::mem::replace(&mut family.kind, text.to_owned()).is_empty()).then_some(()),
        "UNIT" => family.unit.replace(text.to_owned()).map(drop),
        "HELP" => family.help.replace(text.to_owned()).map(drop),
        other => return Err(format!("unknown metadata {other}")),
    };
    kept.map_or(Ok(()), |()| Err(format!("{what} comes twice")))
}

/// What the names of a family's samples end with, by its type (section 5.1.1 to 5.1.8).
fn suffixes(kind: &str) -> &'static [&'static str] {
    match kind {
        "counter" => &["_total"],
        "gauge" => &[""],
        "info" => &["_info"],
        "histogram" => &["_bucket", "_count", "_sum"],
        _ => &[],
    }
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    let first = name.chars().next().ok_or("no name")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if first.is_ascii_digit() || !name.chars().all(legal) {
        return Err(format!("{name:?} is not a name"));
    }
    let (labels, rest) = labels(rest)?;
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "NaN" => f64::NAN,
        number => number
            .parse()
            .map_err(|_| format!("{number:?} is not a value"))?,
    };
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

type Labels = BTreeMap<String, String>;

fn labels(text: &str) -> Result<(Labels, &str), String> {
    let mut found = Labels::new();
    let Some(mut rest) = text.strip_prefix('{') else {
        return Ok((found, text));
    };
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.chars().all(legal)
        {
            return Err(format!("{name:?} is not a label"));
        }
        let (value, after) = quoted(after)?;
        if found.insert(name.to_owned(), value).is_some() {
            return Err(format!("label {name} comes twice"));
        }
        match after.split_at_checked(1) {
            Some((",", next)) => rest = next,
            Some(("}", next)) => return Ok((found, next)),
            _ => return Err("labels do not end".to_owned()),
        }
    }
}

/// The value up to its closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                _ => return Err("an escape that does not exist".to_owned()),
            },
            c => value.push(c),
        }
    }
    Err("a value without a closing quote".to_owned())
}

impl Family {
    fn check(&self) -> Result<(), String> {
        if self.kind.is_empty() || self.help.is_none() {
            return Err("no TYPE or no HELP".to_owned());
        }
        if let Some(unit) = &self.unit
            && !self.name.ends_with(&format!("_{unit}"))
        {
            return Err(format!("does not end with its unit {unit}"));
        }
        let mut series = BTreeSet::new();
        for sample in &self.samples {
            if !series.insert((&sample.name, &sample.labels)) {
                return Err(format!("the series {:?} comes twice", sample.labels));
            }
            let negative = sample.value < 0.0 || sample.value.is_nan();
            if negative && self.kind != "gauge" {
                return Err(format!("a {} of {}", self.kind, sample.value));
            }
            if self.kind == "info" && sample.value != 1.0 {
                return Err("an info is 1".to_owned());
            }
        }
        if self.kind == "histogram" {
            self.check_histogram()
        } else {
            Ok(())
        }
    }

    /// Bounds go up to +Inf, counts never fall, and the last of them is `_count` (section 5.1.6).
    fn check_histogram(&self) -> Result<(), String> {
        let mut buckets: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
        for sample in self
            .samples
            .iter()
            .filter(|sample| sample.name.ends_with("_bucket"))
        {
            let mut labels = sample.labels.clone();
            let bound = labels.remove("le").ok_or("a bucket without le")?;
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().map_err(|_| bound)?
            };
            buckets
                .entry(labels)
                .or_default()
                .push((bound, sample.value));
        }
        for (labels, buckets) in buckets {
            let rising = buckets
                .windows(2)
                .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
            let count = self
                .samples
                .iter()
                .find(|sample| sample.name.ends_with("_count") && sample.labels == labels);
            let sum = self
                .samples
                .iter()
                .any(|sample| sample.name.ends_with("_sum") && sample.labels == labels);
            let last = buckets.last().copied();
            if !rising || !sum || last != count.map(|count| (f64::INFINITY, count.value)) {
                return Err(format!("buckets of {labels:?}"));
            }
        }
        Ok(())
    }
}

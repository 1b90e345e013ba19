//! Writes families of metrics by the official client: name, help, unit, and a sample for each set of labels.

use std::fmt::Error;

use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use crate::report::histogram::{BOUNDS, Durations};

/// Labels of a sample; none for the only sample of a family.
pub(super) type Labels = Vec<(&'static str, String)>;

/// What a family is: its name without prefix and suffixes, a sentence, its unit.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) unit: Option<Unit>,
}

/// A family of numbers.
pub(super) fn plain(name: &'static str, help: &'static str) -> Family {
    let unit = None;
    Family { name, help, unit }
}

/// A family of bytes; its name gets the suffix `_bytes`.
pub(super) fn bytes(name: &'static str, help: &'static str) -> Family {
    let unit = Some(Unit::Bytes);
    Family { name, help, unit }
}

/// A family of seconds; its name gets the suffix `_seconds`.
pub(super) fn seconds(name: &'static str, help: &'static str) -> Family {
    let unit = Some(Unit::Seconds);
    Family { name, help, unit }
}

/// Where families are written. One without samples is written too: zero and unknown can be told apart.
pub(super) struct Families<'a>(pub(super) DescriptorEncoder<'a>);

impl Families<'_> {
    /// Labels that do not change during the run.
    pub(super) fn info(&mut self, family: &Family, labels: &Labels) -> Result<(), Error> {
        self.encoder(family, MetricType::Info)?.encode_info(labels)
    }

    /// Numbers that go up and down.
    pub(super) fn gauges<V: EncodeGaugeValue>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> Result<(), Error> {
        let mut encoder = self.encoder(family, MetricType::Gauge)?;
        for (labels, value) in samples {
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Numbers that only grow; their names get the suffix `_total`.
    pub(super) fn counters<V: EncodeCounterValue>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> Result<(), Error> {
        let mut encoder = self.encoder(family, MetricType::Counter)?;
        for (labels, value) in samples {
            let mut sample = encoder.encode_family(&labels)?;
            sample.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    /// Durations by length.
    pub(super) fn histograms<'d>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (Labels, &'d Durations)>,
    ) -> Result<(), Error> {
        let mut encoder = self.encoder(family, MetricType::Histogram)?;
        for (labels, durations) in samples {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets = bounds.zip(durations.buckets).collect::<Vec<_>>();
            let (sum, count) = (durations.seconds, durations.count());
            let mut sample = encoder.encode_family(&labels)?;
            sample.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    fn encoder<'s>(
        &'s mut self,
        family: &'s Family,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, Error> {
        let Family { name, help, unit } = family;
        self.0.encode_descriptor(name, help, unit.as_ref(), kind)
    }
}

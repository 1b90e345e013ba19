//! A response on its way out: cuts the payload into packets and sends many of them per system call.

use std::sync::Arc;
use std::{io, mem};

use crate::counters::Counters;
use crate::fault::Armed;
use crate::wire::packet::{HEADER, Header, kind, status};
use crate::wire::transport::Transport;

/// Payload bytes collected before packets go out.
const FLUSH_AT: usize = 256 * 1024;

/// Packets per system call; two slices each, below the 1024 that Linux takes (IOV_MAX).
const PACKETS_PER_SEND: usize = 256;

/// The payload of one response and the packets it becomes.
pub(crate) struct Writer {
    /// Whole tokens that have not been sent; the response appends here.
    pub(crate) payload: Vec<u8>,
    packet_size: usize,
    spid: u16,
    number: u8,
    /// Bytes on the wire (packet headers included) of the current response.
    sent: u64,
    /// A fault: the connection ends when `sent` reaches this position.
    cut: Option<(u64, Arc<Armed>)>,
}

impl Writer {
    pub(crate) fn new(packet_size: usize) -> Self {
        Self {
            payload: Vec::new(),
            packet_size,
            spid: 0,
            number: 1,
            sent: 0,
            cut: None,
        }
    }

    /// Size of all later packets in bytes.
    pub(crate) fn set_spid(&mut self, spid: u16) {
        self.spid = spid;
    }

    pub(crate) fn set_packet_size(&mut self, packet_size: usize) {
        self.packet_size = packet_size;
    }

    /// Starts a response. The position in `cut` counts its bytes on the wire.
    pub(crate) fn begin(&mut self, cut: Option<(u64, Arc<Armed>)>) {
        self.payload.clear();
        self.number = 1;
        self.sent = 0;
        self.cut = cut;
    }

    /// True when enough is waiting to be worth a system call.
    pub(crate) fn is_due(&self) -> bool {
        self.payload.len() >= FLUSH_AT
    }

    /// Sends the full packets; what is left waits for the next one or for [`Writer::finish`].
    pub(crate) fn flush(
        &mut self,
        transport: &mut Transport,
        counters: &Counters,
    ) -> io::Result<()> {
        let body = self.packet_size - HEADER;
        // At least one byte stays, because the last packet must carry the end of the message.
        let packets = self.payload.len().saturating_sub(1) / body;
        self.send(packets, false, transport, counters)
    }

    /// Sends everything and ends the message.
    pub(crate) fn finish(
        &mut self,
        transport: &mut Transport,
        counters: &Counters,
    ) -> io::Result<()> {
        let body = self.packet_size - HEADER;
        let packets = self.payload.len().div_ceil(body).max(1);
        self.send(packets, true, transport, counters)
    }

    /// Sends everything, the last packet claiming to be full: what a crash in its middle leaves.
    pub(crate) fn finish_torn(
        &mut self,
        transport: &mut Transport,
        counters: &Counters,
    ) -> io::Result<()> {
        self.flush(transport, counters)?;
        let header = Header::bytes(kind::RESPONSE, 0, self.packet_size, self.spid, self.number);
        let payload = mem::take(&mut self.payload);
        counters.sent_bytes((payload.len() + HEADER) as u64);
        transport.send(&[&header, &payload])
    }

    fn send(
        &mut self,
        packets: usize,
        last: bool,
        transport: &mut Transport,
        counters: &Counters,
    ) -> io::Result<()> {
        let body = self.packet_size - HEADER;
        let payload = mem::take(&mut self.payload);
        let taken = payload.len().min(packets * body);
        let mut done = 0;
        while done < packets {
            let group = (packets - done).min(PACKETS_PER_SEND);
            let chunk = &payload[done * body..taken.min((done + group) * body)];
            let ends = last && done + group == packets;
            self.send_group(chunk, group, ends, transport, counters)?;
            done += group;
        }
        // Keep the allocation; the rest is less than a packet.
        self.payload = payload;
        self.payload.drain(..taken);
        Ok(())
    }

    fn send_group(
        &mut self,
        payload: &[u8],
        packets: usize,
        ends: bool,
        transport: &mut Transport,
        counters: &Counters,
    ) -> io::Result<()> {
        let body = self.packet_size - HEADER;
        let mut headers = Vec::with_capacity(packets);
        for index in 0..packets {
            let length = body.min(payload.len() - index * body) + HEADER;
            let status = if ends && index + 1 == packets {
                status::END_OF_MESSAGE
            } else {
                0
            };
            headers.push(Header::bytes(
                kind::RESPONSE,
                status,
                length,
                self.spid,
                self.number,
            ));
            self.number = self.number.wrapping_add(1);
        }
        let mut parts: Vec<&[u8]> = Vec::with_capacity(packets * 2);
        for (index, header) in headers.iter().enumerate() {
            parts.push(header);
            parts.push(&payload[index * body..payload.len().min((index + 1) * body)]);
        }
        let total = (payload.len() + packets * HEADER) as u64;
        if let Some(limit) = self.reached_cut(total) {
            truncate(&mut parts, (limit - self.sent) as usize);
            counters.sent_bytes(limit - self.sent);
            transport.send(&parts)?;
            transport.cut();
            return Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "fault: connection dropped",
            ));
        }
        self.sent += total;
        counters.sent_bytes(total);
        transport.send(&parts)
    }

    /// The position to cut at, when the next `total` bytes reach it and the fault is still armed.
    fn reached_cut(&mut self, total: u64) -> Option<u64> {
        let (limit, _) = self.cut.as_ref()?;
        if self.sent + total < *limit {
            return None;
        }
        let (limit, armed) = self.cut.take()?;
        armed.fire().then_some(limit)
    }
}

/// Keeps the first `limit` bytes of `parts`.
fn truncate(parts: &mut Vec<&[u8]>, mut limit: usize) {
    for part in parts.iter_mut() {
        let keep = part.len().min(limit);
        *part = &part[..keep];
        limit -= keep;
    }
    parts.retain(|part| !part.is_empty());
}

//! Whether a batch can be written, looked at before anything is.

use super::data::{owed_to, place};
use super::*;

/// What the batch itself adds, as far as later changes of it depend on that.
#[derive(Default)]
struct Ahead {
    appended: u64,
    settled: BTreeSet<u64>,
    /// `None`: no more.
    links: BTreeMap<data::At, Option<String>>,
    linked: BTreeMap<data::At, Option<String>>,
    names: BTreeSet<String>,
    revisions: BTreeMap<ConnectionId, u64>,
    releases: BTreeMap<u64, String>,
    digests: BTreeSet<(String, String)>,
}

impl Data {
    /// # Errors
    /// [`Error::Fenced`] and [`Error::Conflict`], as the changes say.
    pub(super) fn check(&self, batch: &Batch) -> Result<()> {
        if let Some((lane, fence)) = &batch.fence
            && self.lanes.get(lane).is_some_and(|it| it.fence > *fence)
        {
            return Err(Error::Fenced);
        }
        let mut ahead = Ahead::default();
        batch.changes.iter().try_for_each(|it| self.check_change(it, &mut ahead))
    }

    fn check_change(&self, change: &Change, ahead: &mut Ahead) -> Result<()> {
        match change {
            Change::Append { .. } => {
                ahead.appended += 1;
                Ok(())
            }
            Change::Folded { seq, .. } | Change::Drop { seq, .. } => {
                self.check_pending(*seq, ahead)?;
                ahead.settled.insert(*seq);
                Ok(())
            }
            Change::Wait { seq, .. } => self.check_pending(*seq, ahead),
            Change::Link { connection, key, remote_id } => self.check_link(*connection, key, remote_id, ahead),
            Change::NewConnection { name, .. } => {
                let is_taken = self.connections.values().any(|it| it.name == *name);
                let is_new = !is_taken && ahead.names.insert(name.clone());
                is_new.then_some(()).ok_or_else(|| conflict("a connection of this name exists"))
            }
            Change::Unlink { connection, key } => {
                let here = owed_to(*connection, key);
                if let Some(remote_id) =
                    ahead.linked.insert(here.clone(), None).unwrap_or(self.linked.get(&here).cloned())
                {
                    ahead.links.insert(place(*connection, key.kind, &remote_id), None);
                }
                Ok(())
            }
            Change::ConnectionSpec { id, read, .. } | Change::ConnectionState { id, read, .. } => {
                self.check_revision(*id, *read, ahead)
            }
            Change::Release(release) => self.check_release(release, ahead),
            Change::Activate { slot, release } => {
                let found = ahead.releases.get(release).or(self.releases.get(release).map(|it| &it.slot));
                (found == Some(slot)).then_some(()).ok_or_else(|| conflict("the slot has no such release"))
            }
            _ => Ok(()),
        }
    }

    fn check_pending(&self, seq: u64, ahead: &Ahead) -> Result<()> {
        let last = self.log.len() as u64;
        let is_appended = (last + 1..=last + ahead.appended).contains(&seq);
        let is_pending = is_appended || self.unfolded.contains(&seq) || self.waiting.contains_key(&seq);
        let is_pending = is_pending && !ahead.settled.contains(&seq);
        is_pending.then_some(()).ok_or_else(|| conflict("an entry was folded or dropped by somebody else"))
    }

    fn check_link(&self, connection: ConnectionId, key: &RecordKey, remote_id: &str, ahead: &mut Ahead) -> Result<()> {
        let (here, there) = (owed_to(connection, key), place(connection, key.kind, remote_id));
        let by_id = ahead.links.get(&there).cloned().unwrap_or(self.links.get(&there).map(|it| it.key.clone()));
        let by_key = ahead.linked.get(&here).cloned().unwrap_or(self.linked.get(&here).cloned());
        if by_id.is_some_and(|it| it != key.key) || by_key.is_some_and(|it| it != remote_id) {
            let it = format!("{} `{remote_id}` of connection {connection} or record {key}", key.kind);
            return Err(Error::Conflict(format!("{it} is linked otherwise")));
        }
        ahead.links.insert(there, Some(key.key.clone()));
        ahead.linked.insert(here, Some(remote_id.to_owned()));
        Ok(())
    }

    fn check_revision(&self, id: ConnectionId, read: u64, ahead: &mut Ahead) -> Result<()> {
        let last = self.connections.len() + ahead.names.len();
        // One that this batch makes begins at 0.
        let kept =
            self.connections.get(&id).map(|it| it.revision).or((1..=last).contains(&(id.0 as usize)).then_some(0));
        if ahead.revisions.get(&id).copied().or(kept) != Some(read) {
            return Err(conflict("the connection is not what was read of it"));
        }
        ahead.revisions.insert(id, read + 1);
        Ok(())
    }

    fn check_release(&self, release: &Release, ahead: &mut Ahead) -> Result<()> {
        let last = self.releases.keys().chain(ahead.releases.keys()).max().copied().unwrap_or(0);
        let id = if release.id == 0 { last + 1 } else { release.id };
        let mut kept = self.releases.values();
        let is_known = kept.any(|it| it.id == id || (&it.slot, &it.digest) == (&release.slot, &release.digest));
        let is_new = ahead.releases.insert(id, release.slot.clone()).is_none()
            & ahead.digests.insert((release.slot.clone(), release.digest.clone()));
        let is_new = is_new && !is_known;
        is_new.then_some(()).ok_or_else(|| conflict("a release of this number, or of these bytes in this slot, exists"))
    }
}

fn conflict(why: &str) -> Error {
    Error::Conflict(why.to_owned())
}

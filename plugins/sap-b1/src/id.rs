//! Ids of several parts in one text.

/// `item:location`: a colon or a percent sign in a part is escaped, so that every id has its parts back.
pub(crate) fn joined(parts: [&str; 2]) -> String {
    parts.map(|it| it.replace('%', "%25").replace(':', "%3A")).join(":")
}

/// The two parts; `None` for what [`joined`] does not write.
pub(crate) fn split(id: &str) -> Option<[String; 2]> {
    let (left, right) = id.split_once(':')?;
    let parts = [left, right].map(|it| it.replace("%3A", ":").replace("%25", "%"));
    (joined([&parts[0], &parts[1]]) == id).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_its_parts_back() {
        let check = |left: &str, right: &str, id: &str| {
            assert_eq!(joined([left, right]), id);
            assert_eq!(split(id).unwrap(), [left, right], "{id}");
        };
        check("A1", "01", "A1:01");
        check("A:1%", "0:1", "A%3A1%25:0%3A1");
        check("A%3A1", "%", "A%253A1:%25");
        check("Ü 8/2'", "", "Ü 8/2':");
        for foreign in ["A1", "A:1:01", "A%:1", "%3a:1"] {
            assert_eq!(split(foreign), None, "{foreign}");
        }
    }
}

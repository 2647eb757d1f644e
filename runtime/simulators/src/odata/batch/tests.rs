use super::*;
use proptest::prelude::*;

const TYPE: &str = "multipart/mixed; boundary=b1";

/// A batch as one would write it: a GET, then a change set of two.
const BATCH: &str = "--b1
Content-Type: application/http
Content-Transfer-Encoding: binary

GET /b1s/v2/Items('A1')?$select=ItemCode HTTP/1.1
Accept: application/json


--b1
Content-Type: multipart/mixed; boundary=\"set\"

--set
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST /b1s/v2/Orders HTTP/1.1
Content-Type: application/json

{\"CardCode\":\"C1\"}
--set
Content-Type: application/http

PATCH $1 HTTP/1.1
Content-ID: 2
If-Match: *
Content-Length: 7

{\"a\":1}

--set--
--b1--
";

fn summary(items: &[Item]) -> Vec<String> {
    let one = |it: &Request| {
        let id = it.content_id.as_deref().unwrap_or("-");
        format!("{id} {} {} {}", it.method, it.url, String::from_utf8_lossy(&it.body))
    };
    let item = |it: &Item| match it {
        Item::Single(request) => one(request),
        Item::ChangeSet(requests) => format!("[{}]", requests.iter().map(one).collect::<Vec<_>>().join(" | ")),
    };
    items.iter().map(item).collect()
}

#[test]
fn either_line_end_is_read() {
    let expect = [
        "- GET /b1s/v2/Items('A1')?$select=ItemCode ",
        "[1 POST /b1s/v2/Orders {\"CardCode\":\"C1\"} | 2 PATCH $1 {\"a\":1}]",
    ];
    assert_eq!(summary(&parse(TYPE, BATCH.as_bytes()).unwrap()), expect);
    let crlf = BATCH.replace('\n', "\r\n");
    let items = parse(TYPE, crlf.as_bytes()).unwrap();
    assert_eq!(summary(&items), expect);
    let Item::ChangeSet(requests) = &items[1] else { panic!("a change set") };
    assert_eq!(requests[1].header("if-match"), Some("*"));
    assert_eq!(requests[1].reference(), Some(("1", "")));
    assert_eq!(requests[0].reference(), None);
}

#[test]
fn a_url_may_lead_from_another_part() {
    let leads = |url: &str| {
        let url = url.to_owned();
        let request =
            Request { content_id: None, method: "GET".to_owned(), url, headers: Vec::new(), body: Vec::new() };
        request.reference().map(|(id, rest)| (id.to_owned(), rest.to_owned()))
    };
    assert_eq!(leads("$1/DocumentLines"), Some(("1".to_owned(), "/DocumentLines".to_owned())));
    assert_eq!(leads("/$new?$select=a"), Some(("new".to_owned(), "?$select=a".to_owned())));
    assert_eq!(leads("Items('$1')"), None);
    assert_eq!(leads("$metadata"), None);
}

fn refuses(content_type: &str, body: &str, expect: &str) {
    let error = parse(content_type, body.as_bytes()).unwrap_err().to_string();
    assert_eq!(error, format!("{expect} in 'batch'"), "{body}");
}

#[test]
fn what_is_no_batch_is_refused() {
    refuses("application/json", "", "Content-Type multipart/mixed expected, found 'application/json' at position 0");
    refuses("multipart/mixed", "", "malformed boundary at position 0");
    refuses(TYPE, "--b1\nx", "a closing boundary expected, found the end at position 6");
    refuses(TYPE, "--b1\nx\n--b1--", "a header expected, found 'x' at position 5");
    refuses(TYPE, "--b1\nX Y: z\n--b1--", "malformed name of a header at position 5");
    let other = "Content-Type application/http or multipart/mixed expected, found 'text/plain' at position 5";
    refuses(TYPE, "--b1\nContent-Type: text/plain\n\n--b1--", other);
    let http = "Content-Type: application/http\n\n";
    refuses(TYPE, &format!("--b1\n{http}GET\n--b1--"), "a request line expected, found 'GET' at position 37");
    refuses(TYPE, &format!("--b1\n{http}--b1--"), "a request expected, found nothing at position 5");
    let short = format!("--b1\n{http}POST Items HTTP/1.1\nContent-Length: 9\n\n{{}}\n--b1--");
    refuses(TYPE, &short, "malformed Content-Length at position 76");
    let get = format!("--b1\nContent-Type: multipart/mixed; boundary=s\n\n--s\n{http}GET x HTTP/1.1\n--s--\n--b1--");
    refuses(TYPE, &get, "a request that changes something expected, found GET at position 52");
    let nested = get.replace("application/http\n", "multipart/mixed; boundary=t\n");
    refuses(TYPE, &nested, "a request expected, found a change set in a change set at position 52");
}

#[test]
fn a_content_id_is_given_once_in_a_change_set() {
    let twice = BATCH.replace("Content-ID: 2", "Content-ID: 1");
    assert!(
        parse(TYPE, twice.as_bytes()).unwrap_err().to_string().starts_with("'Content-ID 1' is given more than once")
    );
}

#[test]
fn requests_are_limited() {
    let one = "--b1\nContent-Type: application/http\n\nGET x HTTP/1.1\n\n";
    assert_eq!(parse(TYPE, format!("{}--b1--", one.repeat(1_000)).as_bytes()).unwrap().len(), 1_000);
    let error = parse(TYPE, format!("{}--b1--", one.repeat(1_001)).as_bytes()).unwrap_err();
    assert!(error.to_string().starts_with("more than 1000 requests"), "{error}");
}

fn response(id: Option<&str>, status: u16, body: &str) -> Response {
    Response {
        content_id: id.map(str::to_owned),
        status,
        headers: vec![("Content-Type".to_owned(), "application/json\r\nX: y".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn an_answer_is_written_as_it_is_read() {
    let rendered = render(&[
        Answer::Single(response(None, 200, "{\"batchresponse_00000001\":1}")),
        Answer::ChangeSet(vec![response(Some("1"), 201, "{}"), response(Some("2"), 204, "")]),
    ]);
    assert_eq!(rendered.content_type, "multipart/mixed; boundary=batchresponse_00000002");
    let expect = "--batchresponse_00000002
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json  X: y
Content-Length: 28

{\"batchresponse_00000001\":1}
--batchresponse_00000002
Content-Type: multipart/mixed; boundary=changesetresponse_00000001

--changesetresponse_00000001
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 201 Created
Content-Type: application/json  X: y
Content-Length: 2

{}
--changesetresponse_00000001
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
Content-Type: application/json  X: y
Content-Length: 0


--changesetresponse_00000001--
--batchresponse_00000002--
";
    assert_eq!(String::from_utf8(rendered.body).unwrap(), expect.replace('\n', "\r\n"));
}

proptest! {
    #[test]
    fn no_batch_panics(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(TYPE, &body);
    }

    #[test]
    fn no_batch_cut_or_garbled_panics(at in 0..BATCH.len(), byte in any::<u8>(), end in 0..BATCH.len()) {
        let mut body = BATCH.as_bytes().to_vec();
        body[at] = byte;
        let _ = parse(TYPE, &body);
        let _ = parse(TYPE, &body[..end]);
    }
}

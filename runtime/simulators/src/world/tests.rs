use super::*;
use crate::dynamics::business_central;
use crate::journal::Actor;
use crate::{netsuite, sap_b1, shopify as shop};

const NOW: UnixMs = UnixMs(1_767_225_600_000);

fn money(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn price(amount: &str) -> Price {
    Price { amount: money(amount), breaks: Vec::new() }
}

fn article(code: &str) -> Article {
    Article {
        code: code.to_owned(),
        title: format!("{code}, box"),
        barcode: "4006381333931".to_owned(),
        stock: vec![10, 20],
        prices: vec![
            price("12.5"),
            Price { amount: money("10"), breaks: vec![Break { from: money("10"), amount: money("9.5") }] },
        ],
    }
}

fn catalogue() -> Catalogue {
    let firm = Firm {
        code: "C-100".to_owned(),
        name: "Workshop".to_owned(),
        email: "orders@workshop.example".to_owned(),
        list: "gold".to_owned(),
    };
    Catalogue {
        locations: ["Main", "Outlet"].map(str::to_owned).to_vec(),
        lists: [BASE, "gold"].map(str::to_owned).to_vec(),
        articles: vec![article("BOLT-1"), article("BOLT-2")],
        firms: vec![firm],
    }
}

/// One of every sort.
fn sites() -> Vec<Box<dyn Site>> {
    let catalogue = catalogue();
    let mut lower = catalogue.clone();
    lower.articles[1].code = "bolt-2".to_owned();
    vec![
        Box::new(NetsuiteSite::open(NOW, netsuite::Settings::default(), &catalogue).unwrap()),
        Box::new(ShopifySite::open(NOW, shop::settings::Settings::default(), &lower).unwrap()),
        Box::new(SapB1Site::open(NOW, sap_b1::Settings::default(), &lower).unwrap()),
        Box::new(BusinessCentralSite::open(NOW, business_central::Settings::default(), &lower).unwrap()),
    ]
}

fn cell(record: &str, field: &'static str) -> Cell {
    Cell::new(record, field)
}

/// What the same catalogue and the same deeds leave behind is spelled alike everywhere.
#[test]
fn every_site_tells_the_same_of_the_same() {
    let deeds = [
        Deed::Retitle { item: "bolt-1".to_owned(), title: "Bolt".to_owned() },
        Deed::Barcode { item: "BOLT-1".to_owned(), barcode: "4006381333948".to_owned() },
        Deed::Offer { item: "BOLT-2".to_owned(), active: false },
        Deed::Move { item: "BOLT-2".to_owned(), location: "Outlet".to_owned(), by: -3 },
        Deed::Move { item: "BOLT-1".to_owned(), location: "Main".to_owned(), by: -1_000 },
        Deed::Price { list: "gold".to_owned(), item: "BOLT-2".to_owned(), price: article("").prices[1].clone() },
        Deed::Price { list: BASE.to_owned(), item: "BOLT-1".to_owned(), price: price("7.25") },
        Deed::Rename { company: "C-100".to_owned(), name: "Works".to_owned() },
        Deed::Retitle { item: "none".to_owned(), title: "x".to_owned() },
        Deed::Cancel { po_number: "none".to_owned() },
    ];
    for site in sites() {
        let name = site.system().name();
        let opened = site.held(NOW);
        assert_eq!(opened[&cell("price/gold/bolt-1", "breaks")], "10:9.5", "{name}");
        assert_eq!(opened[&cell("stock-level/bolt-2@Outlet", "on_hand")], "20", "{name}");
        for (n, deed) in deeds.iter().enumerate() {
            site.act(NOW.plus(1_000 * n as u64), deed).unwrap();
        }
        let held = site.held(NOW);
        for (record, field, expect) in [
            ("item/bolt-1", "title", "Bolt"),
            ("item/bolt-1", "barcode", "4006381333948"),
            ("item/bolt-2", "active", "false"),
            ("stock-level/bolt-2@Outlet", "on_hand", "17"),
            ("stock-level/bolt-1@Main", "on_hand", "0"),
            ("price/gold/bolt-2", "amount", "10"),
            ("price/base/bolt-1", "amount", "7.25"),
            ("company/C-100", "name", "Works"),
        ] {
            assert_eq!(held.get(&cell(record, field)).map(String::as_str), Some(expect), "{name}: {record} {field}");
        }
        assert_eq!(site.on_hand("BOLT-2", "Outlet"), Some(money("17")), "{name}");
        // The journal says the same, in the same words.
        let (reader, system) = (site.reader(), site.system());
        let mut told = opened;
        for change in system.journal().since(0).iter().filter(|it| it.actor == Actor::Human) {
            if let Some((cell, value)) = reader(change) {
                told.insert(cell, value);
            }
        }
        let journalled = |held: &Held| -> Held {
            held.iter()
                .filter(|(it, _)| !it.record.starts_with("company/"))
                .map(|(a, b)| (a.clone(), b.clone()))
                .collect()
        };
        assert_eq!(journalled(&told), journalled(&held), "{name}");
    }
}

/// Where orders are booked and not bought, somebody books one at the screens first.
fn booked(site: &dyn Site, po_number: &str) {
    let lines = vec![("bolt-1".to_owned(), 5), ("bolt-2".to_owned(), 1)];
    let placed = Placed {
        po_number: po_number.to_owned(),
        company: "C-100".to_owned(),
        lines,
        charges: Vec::new(),
        waits: Vec::new(),
    };
    site.act(NOW, &Deed::Book(placed)).unwrap();
}

/// Two parcels of an order leave: stock moves with each, and everywhere the same is told of it.
#[test]
fn what_leaves_is_told_the_same_everywhere() {
    for site in sites() {
        let name = site.system().name();
        booked(site.as_ref(), "PO-1");
        booked(site.as_ref(), "PO-2");
        let before = site.on_hand("BOLT-1", "Main").unwrap();
        let parcel = |lines: &[(&str, u32)], tracking: &str| {
            let lines = lines.iter().map(|(code, n)| ((*code).to_owned(), *n)).collect();
            let (po_number, carrier, tracking) = ("PO-1".to_owned(), "UPS".to_owned(), tracking.to_owned());
            site.act(NOW.plus(1_000), &Deed::Parcel { po_number, lines, carrier, tracking }).unwrap();
        };
        let order = |po_number: &str| {
            let mut found = site.orders().into_iter().filter(|it| it.po_number == po_number);
            found.next().unwrap_or_else(|| panic!("{name}: {po_number}"))
        };
        parcel(&[("bolt-1", 3)], "1Z-A");
        assert_eq!(
            (order("PO-1").shipped, site.on_hand("BOLT-1", "Main")),
            (false, Some(before - money("3"))),
            "{name}"
        );
        parcel(&[("bolt-1", 2), ("bolt-2", 1)], "1Z-B");
        let mut parcels = order("PO-1").parcels;
        parcels.sort();
        let expect = [("1Z-A", "bolt-1", "3"), ("1Z-B", "bolt-1", "2"), ("1Z-B", "bolt-2", "1")];
        let expect = expect.map(|(tracking, code, n)| (tracking.to_owned(), code.to_owned(), money(n)));
        assert_eq!((order("PO-1").shipped, parcels.as_slice()), (true, expect.as_slice()), "{name}");
        assert_eq!(site.on_hand("BOLT-1", "Main"), Some(before - money("5")), "{name}");
        // No more leaves than was ordered.
        let (po_number, lines) = ("PO-2".to_owned(), vec![("bolt-1".to_owned(), 6)]);
        let (carrier, tracking) = ("UPS".to_owned(), "1Z-C".to_owned());
        site.act(NOW.plus(2_000), &Deed::Parcel { po_number, lines, carrier, tracking }).unwrap_err();
        site.act(NOW.plus(3_000), &Deed::Cancel { po_number: "PO-2".to_owned() }).unwrap();
        // Where an order is called off by deleting it, it is not there any more.
        let standing = site.orders().into_iter().filter(|it| !it.cancelled).map(|it| it.po_number);
        assert_eq!(standing.collect::<Vec<_>>(), ["PO-1"], "{name}");
    }
}

#[test]
fn an_order_goes_its_way_where_it_is_taken() {
    let shop = ShopifySite::open(NOW, shop::settings::Settings::default(), &catalogue()).unwrap();
    let place = |po_number: &str| {
        let lines = vec![("bolt-1".to_owned(), 3), ("none".to_owned(), 1)];
        let placed = Placed {
            po_number: po_number.to_owned(),
            company: "C-100".to_owned(),
            lines,
            charges: Vec::new(),
            waits: Vec::new(),
        };
        shop.act(NOW, &Deed::Order(placed)).unwrap();
    };
    place("PO-1");
    place("PO-2");
    shop.act(NOW, &Deed::Ship { po_number: "PO-1".to_owned() }).unwrap();
    shop.act(NOW, &Deed::Cancel { po_number: "PO-2".to_owned() }).unwrap();
    // What has left is not called off.
    shop.act(NOW, &Deed::Cancel { po_number: "PO-1".to_owned() }).unwrap();
    let orders = shop.orders();
    let seen: Vec<_> = orders.iter().map(|it| (it.po_number.as_str(), it.shipped, it.cancelled)).collect();
    assert_eq!(seen, [("PO-1", true, false), ("PO-2", false, true)]);
    assert_eq!(orders[0].lines, [("bolt-1".to_owned(), money("3"), money("10"))]);
    assert_eq!((orders[0].company.as_str(), orders[0].created_at), ("C-100", NOW));
}

#[test]
fn what_is_charged_is_told_beside_the_lines() {
    let shop = ShopifySite::open(NOW, shop::settings::Settings::default(), &catalogue()).unwrap();
    let charges = [(ChargeKind::Shipping, "9.5"), (ChargeKind::Tax, "7.12"), (ChargeKind::Discount, "-3")];
    let charges = charges.map(|(kind, amount)| Charge { kind, amount: money(amount) }).to_vec();
    let lines = vec![("bolt-1".to_owned(), 3)];
    let placed = Placed {
        po_number: "PO-1".to_owned(),
        company: "C-100".to_owned(),
        lines,
        charges: charges.clone(),
        waits: Vec::new(),
    };
    shop.act(NOW, &Deed::Order(placed)).unwrap();
    let orders = shop.orders();
    assert_eq!((&orders[0].charges, orders[0].total), (&charges, money("43.62")));
    assert_eq!(charge_names(["1", "2", "3"]), "shipping=1, tax=2, discount=3");
}

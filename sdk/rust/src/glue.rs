//! What the export macros call: the contract's side of each trait.

use crate::bindings::conflict_policy::exports::truthsource::conflict_policy::policy as wit_policy;
use crate::bindings::connector::truthsource::connector::{data, powers};
use crate::bindings::digests::exports::truthsource::connector::digests as wit_digests;
use crate::bindings::pricing_rule::exports::truthsource::pricing_rule::pricing as wit_pricing;
use crate::bindings::shared::truthsource::types::records;
use crate::bindings::stock_rule::exports::truthsource::stock_rule::stock as wit_stock;
use crate::bindings::subscriptions::exports::truthsource::connector::subscriptions as wit_subscriptions;
use crate::bindings::validator::exports::truthsource::validator::validator as wit_validator;
use crate::convert::{
    context, decimal, fields, records_of, value, webhook, wire_decimal, wire_fields, wire_finding, wire_found,
    wire_notice, wire_observed, wire_outcome, wire_page, wire_value, write,
};
use crate::digests::{Digest, HeldRecord, Told};
use crate::host::Imports;
use crate::rules::{Basket, Claim, Conflict, Decision, Level, Line, PriceBreak, Verdict};
use crate::subscriptions::Target;
use crate::{
    ConflictPolicy, Connector, Digests, Fault, Fields, Kind, Mapping, PricingRule, StockRule, Subscriptions, Validator,
};

type Wire<T> = Result<T, records::Fault>;
type Record = Vec<records::Field>;

fn basket(wire: wit_pricing::Basket) -> Result<Basket, Fault> {
    let price_break = |it: wit_pricing::PriceBreak| {
        Ok(PriceBreak { from_quantity: decimal(it.from_quantity)?, unit_price: decimal(it.unit_price)? })
    };
    let line = |it: wit_pricing::Line| {
        Ok(Line {
            item: it.item,
            quantity: decimal(it.quantity)?,
            list_price: decimal(it.list_price)?,
            breaks: it.breaks.into_iter().map(price_break).collect::<Result<_, Fault>>()?,
        })
    };
    let lines = wire.lines.into_iter().map(line).collect::<Result<_, Fault>>()?;
    Ok(Basket { company: wire.company, currency: wire.currency, at_ms: wire.at_ms, lines })
}

pub fn price<T: PricingRule>(wire: wit_pricing::Basket) -> Wire<Vec<wit_pricing::Priced>> {
    let priced = T::price(basket(wire)?)?;
    let wire =
        |it: crate::rules::Priced| wit_pricing::Priced { unit_price: wire_decimal(it.unit_price), reason: it.reason };
    Ok(priced.into_iter().map(wire).collect())
}

pub fn publish<T: StockRule>(wire: Vec<wit_stock::Level>) -> Wire<Vec<records::Decimal>> {
    let level = |it: wit_stock::Level| {
        Ok(Level {
            item: it.item,
            location: it.location,
            channel: it.channel,
            on_hand: decimal(it.on_hand)?,
            reserved: decimal(it.reserved)?,
            unacknowledged: decimal(it.unacknowledged)?,
        })
    };
    let levels = wire.into_iter().map(level).collect::<Result<Vec<_>, Fault>>()?;
    Ok(T::publish(levels)?.into_iter().map(wire_decimal).collect())
}

pub fn validate<T: Validator>(kind: &str, wire: Vec<Record>) -> Wire<Vec<wit_validator::Verdict>> {
    let verdicts = T::validate(kind.parse()?, records_of(wire)?)?;
    let wire = |it: Verdict| match it {
        Verdict::Good => wit_validator::Verdict::Good,
        Verdict::Bad(why) => wit_validator::Verdict::Bad(why),
    };
    Ok(verdicts.into_iter().map(wire).collect())
}

fn conflict(wire: wit_policy::Conflict) -> Result<Conflict, Fault> {
    let claim = |it: wit_policy::Claim| {
        Ok(Claim {
            connection: it.connection,
            rank: it.rank,
            owner: it.owner,
            was: value(it.was)?,
            now: value(it.now)?,
            changed_at_ms: (it.changed_at_ms > 0).then_some(it.changed_at_ms),
        })
    };
    Ok(Conflict {
        kind: wire.kind,
        key: wire.key,
        field: wire.field,
        base: value(wire.base)?,
        claims: wire.claims.into_iter().map(claim).collect::<Result<_, Fault>>()?,
    })
}

pub fn decide<T: ConflictPolicy>(wire: Vec<wit_policy::Conflict>) -> Wire<Vec<wit_policy::Decision>> {
    let decide = |it: wit_policy::Conflict| {
        Ok(match T::decide(&conflict(it)?) {
            Decision::Take(at) => wit_policy::Decision::Take(u32::try_from(at).unwrap_or(u32::MAX)),
            Decision::Merge(merged) => wit_policy::Decision::Merge(wire_value(merged)),
            Decision::Keep => wit_policy::Decision::Keep,
            Decision::Hold(why) => wit_policy::Decision::Hold(why),
        })
    };
    wire.into_iter().map(decide).collect()
}

pub fn to_canonical<T: Mapping>(ctx: records::Context, kind: &str, wire: Vec<Record>) -> Wire<Vec<Option<Record>>> {
    let mapped = T::to_canonical(&context(ctx), kind.parse()?, records_of(wire)?)?;
    Ok(mapped.into_iter().map(|it| it.map(wire_fields)).collect())
}

pub fn from_canonical<T: Mapping>(ctx: records::Context, kind: &str, wire: Vec<Record>) -> Wire<Vec<Record>> {
    let mapped = T::from_canonical(&context(ctx), kind.parse()?, records_of(wire)?)?;
    Ok(mapped.into_iter().map(wire_fields).collect())
}

pub fn describe<T: Connector>(settings: Vec<(String, String)>) -> powers::Description {
    T::describe(&settings.into_iter().collect())
}

pub fn check<T: Connector>(ctx: records::Context) -> Wire<Vec<data::Finding>> {
    let findings = T::check(&Imports, &context(ctx))?;
    Ok(findings.into_iter().map(wire_finding).collect())
}

pub fn pull<T: Connector>(
    ctx: records::Context,
    kind: &str,
    cursor: Option<&str>,
    overlap_ms: u32,
) -> Wire<data::Page> {
    Ok(wire_page(T::pull(&Imports, &context(ctx), kind.parse()?, cursor, overlap_ms)?))
}

pub fn read<T: Connector>(
    ctx: records::Context,
    kind: &str,
    ids: &[String],
    certain: bool,
) -> Wire<Vec<data::Observed>> {
    let found = T::read(&Imports, &context(ctx), kind.parse()?, ids, certain)?;
    Ok(found.into_iter().map(wire_observed).collect())
}

pub fn push<T: Connector>(ctx: records::Context, wire: Vec<data::Write>) -> Wire<Vec<data::Outcome>> {
    let Some(first) = wire.first() else { return Ok(Vec::new()) };
    let kind: Kind = first.kind.parse()?;
    if wire.iter().any(|it| it.kind != kind.as_str()) {
        return Err(Fault::Invalid("writes of more than one kind".to_owned()).into());
    }
    let writes = wire.into_iter().map(write).collect::<Result<Vec<_>, Fault>>()?;
    let outcomes = T::push(&Imports, &context(ctx), kind, &writes)?;
    Ok(outcomes.into_iter().map(wire_outcome).collect())
}

pub fn find<T: Connector>(ctx: records::Context, kind: &str, command_key: &str) -> Wire<Option<data::State>> {
    Ok(wire_found(T::find(&Imports, &context(ctx), kind.parse()?, command_key)?))
}

pub fn receive<T: Connector>(ctx: records::Context, delivery: data::Webhook) -> Wire<Vec<data::Notice>> {
    let notices = T::receive(&context(ctx), &webhook(delivery))?;
    Ok(notices.into_iter().map(wire_notice).collect())
}

pub fn project<T: Connector>(ctx: records::Context, kind: &str, wire: Vec<Record>) -> Wire<Vec<Record>> {
    let (ctx, kind) = (context(ctx), kind.parse::<Kind>()?);
    let project = |it: Record| -> Wire<Record> {
        let record: Fields = fields(it)?;
        Ok(wire_fields(T::project(&ctx, kind, &record)?))
    };
    wire.into_iter().map(project).collect()
}

fn target(wire: wit_subscriptions::Target) -> Target {
    Target { url: wire.url, secret_mark: wire.secret_mark }
}

pub fn ensure<T: Subscriptions>(
    ctx: records::Context,
    wire: wit_subscriptions::Target,
) -> Wire<wit_subscriptions::Standing> {
    let standing = T::ensure(&Imports, &context(ctx), &target(wire))?;
    Ok(wit_subscriptions::Standing { renew_by_ms: standing.renew_by_ms, gap: standing.gap })
}

pub fn remove<T: Subscriptions>(ctx: records::Context, wire: wit_subscriptions::Target) -> Wire<()> {
    Ok(T::remove(&Imports, &context(ctx), &target(wire))?)
}

fn wire_digest(digest: Digest) -> wit_digests::Digest {
    wit_digests::Digest { range: digest.range, sums: digest.sums.into_iter().map(wire_decimal).collect() }
}

pub fn tell<T: Digests>(ctx: records::Context, kind: &str) -> Wire<Option<Vec<wit_digests::Told>>> {
    let wire = |it: Told| wit_digests::Told { digest: wire_digest(it.digest), cursor: it.cursor };
    let told = T::tell(&Imports, &context(ctx), kind.parse()?)?;
    Ok(told.map(|it| it.into_iter().map(wire).collect()))
}

pub fn add<T: Digests>(
    ctx: records::Context,
    kind: &str,
    wire: Vec<wit_digests::Held>,
) -> Wire<Vec<wit_digests::Digest>> {
    let held = |it: wit_digests::Held| Ok(HeldRecord { remote_id: it.remote_id, fields: fields(it.fields)? });
    let held = wire.into_iter().map(held).collect::<Result<Vec<_>, Fault>>()?;
    let digests = T::add(&context(ctx), kind.parse()?, &held)?;
    Ok(digests.into_iter().map(wire_digest).collect())
}

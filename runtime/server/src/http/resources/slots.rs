//! Slots and the components that fill them.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Scope;
use crate::certificate::{Certificate, Verdict};
use crate::http::cursor::limit;
use crate::http::extract::{Json, Path, Query, Raw};
use crate::http::route::{Access, Route, Takes};
use crate::http::view::moment;
use crate::http::{Acting, ApiError, Door, List};
use crate::store::{CallRow, Release, Slot};

/// A place that a component fills.
#[derive(Serialize, ToSchema)]
struct SlotView {
    name: String,
    /// The release that answers calls.
    active: Option<u64>,
    /// The release that answered before: what a rollback returns to.
    previous: Option<u64>,
    /// The active release fails again and again, and is not called for a while.
    failing: Option<FailingView>,
}

/// How a release fails.
#[derive(Serialize, ToSchema)]
struct FailingView {
    /// Failures in a row.
    failures: u32,
    /// When the first of them was.
    since: String,
    /// How the last one ended: `out-of-fuel`, `trapped`, `bad-output`.
    code: String,
    /// When it is tried again.
    retry_at: String,
}

/// A component in a slot.
#[derive(Serialize, ToSchema)]
struct ReleaseView {
    id: u64,
    slot: String,
    /// The component's sha256, in hex.
    digest: String,
    /// The plugin's name and version.
    plugin: String,
    /// `staged`, `active` or `retired`.
    state: String,
    created_at: String,
    /// What its certificates say, one for each system that it was tried against. Empty: nothing was proved.
    certificates: Vec<CertificateView>,
}

/// What a certificate says, in short.
#[derive(Serialize, ToSchema)]
struct CertificateView {
    /// The system that it was tried against.
    against: String,
    /// How many powers were proved.
    proved: usize,
    /// How many could not be tried.
    untested: usize,
    /// Those that were refuted: `item updates`.
    refuted: Vec<String>,
}

/// A certificate, as `truthsource plugin test` writes it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
struct CertificateWhole {
    #[schema(value_type = Object)]
    certificate: serde_json::Value,
}

/// A call that failed, or an upload that was refused.
#[derive(Serialize, ToSchema)]
struct CallView {
    id: u64,
    at: String,
    /// The component's sha256, in hex.
    digest: String,
    /// What was called: the contract's name of the function, or `upload`.
    function: String,
    /// Why it failed, as a stable name.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    fuel: u64,
    micros: u64,
}

/// A call that failed, with what was kept of it.
#[derive(Serialize, ToSchema)]
struct CallWhole {
    #[serde(flatten)]
    call: CallView,
    /// What the component was asked, what the outside answered it, what it logged, and how it ended. Of input and of
    /// answers 256 KiB are kept.
    #[schema(value_type = Object)]
    recording: serde_json::Value,
}

/// More calls of a slot than are ever kept.
const CALLS_MAX: u32 = 500;

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Newest {
    /// 1 to 500; 50 if absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Which release is to answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Activate {
    release: u64,
}

pub(super) fn routes() -> Vec<Route> {
    let (read, activates) = (Access::Tenant(Scope::PluginsRead), Access::Tenant(Scope::PluginsActivate));
    vec![
        Route::get("/v1/slots", read, list).about("Lists slots and what fills them.").lists::<SlotView>(),
        Route::get("/v1/slots/{slot}/releases", read, releases)
            .about("Lists the releases of a slot, newest first.")
            .lists::<ReleaseView>(),
        Route::post("/v1/slots/{slot}/releases", Access::Tenant(Scope::PluginsUpload), upload)
            .about("Uploads a component: it is checked, compiled and staged, and answers nothing yet.")
            .takes_bytes(Takes::Wasm)
            .gives::<ReleaseView>(201),
        Route::get("/v1/slots/{slot}/releases/{release}/certificates", read, certificates)
            .about("Lists the certificates of a release's component, whole.")
            .lists::<CertificateWhole>(),
        Route::post(
            "/v1/slots/{slot}/releases/{release}/certificates",
            Access::Tenant(Scope::PluginsActivate),
            certify,
        )
        .about("Adds a certificate of a release's component: the engine relies on what it proves from now on.")
        .takes::<CertificateWhole>()
        .gives::<CertificateView>(201),
        Route::get("/v1/slots/{slot}/calls", read, calls)
            .about(
                "Lists the newest calls of a slot that failed and uploads that it refused; the last hundred are kept.",
            )
            .query::<Newest>()
            .lists::<CallView>(),
        Route::get("/v1/slots/{slot}/calls/{id}", Access::Tenant(Scope::RecordsRead), call)
            .about("Shows one of them with its input: that is the tenant's data, and takes its scope.")
            .gives::<CallWhole>(200),
        Route::post("/v1/slots/{slot}/activate", activates, activate)
            .about("Lets a release answer the slot's calls, from the next call on.")
            .takes::<Activate>()
            .gives::<SlotView>(200),
        Route::post("/v1/slots/{slot}/rollback", activates, rollback)
            .about("Lets the release that answered before answer again.")
            .gives::<SlotView>(200),
        Route::post("/v1/slots/{slot}/vacate", activates, vacate)
            .about("Empties a slot: what its component did is done by the built-in rules from then on.")
            .gives::<SlotView>(200),
    ]
}

async fn list(State(door): State<Door>, acting: Acting) -> Result<Json<List<SlotView>>, ApiError> {
    let slots = acting.tenant.store.slots().await?;
    Ok(Json(List::whole(slots.into_iter().map(|it| slot_view(&door, &acting, it)))))
}

async fn releases(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
) -> Result<Json<List<ReleaseView>>, ApiError> {
    let mut views = Vec::new();
    for release in acting.tenant.store.releases(&slot).await? {
        views.push(release_view(&door, &acting, release).await?);
    }
    Ok(Json(List::whole(views)))
}

async fn certificates(
    State(door): State<Door>,
    acting: Acting,
    Path((slot, release)): Path<(String, u64)>,
) -> Result<Json<List<CertificateWhole>>, ApiError> {
    let releases = acting.tenant.store.releases(&slot).await?;
    let found = releases.into_iter().find(|it| it.id == release).ok_or(ApiError::NotFound("release"))?;
    let certificates = door.app.plugins.certificates(&acting.tenant, &found.digest).await?;
    let whole = |it: &Certificate| CertificateWhole { certificate: serde_json::to_value(it).unwrap_or_default() };
    Ok(Json(List::whole(certificates.iter().map(whole).collect::<Vec<_>>())))
}

async fn certify(
    State(door): State<Door>,
    acting: Acting,
    Path((slot, release)): Path<(String, u64)>,
    Json(body): Json<CertificateWhole>,
) -> Result<(StatusCode, Json<CertificateView>), ApiError> {
    let bytes = body.certificate.to_string();
    let certificate = door.app.plugins.certify(&acting.tenant, (&slot, release), bytes.as_bytes()).await?;
    acting.tenant.wake.notify_one();
    Ok((StatusCode::CREATED, Json(certificate_view(&certificate))))
}

async fn upload(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
    Raw(component): Raw,
) -> Result<(StatusCode, Json<ReleaseView>), ApiError> {
    let release = door.app.plugins.upload(&acting.tenant, &slot, component).await?;
    Ok((StatusCode::CREATED, Json(release_view(&door, &acting, release).await?)))
}

async fn calls(
    acting: Acting,
    Path(slot): Path<String>,
    Query(newest): Query<Newest>,
) -> Result<Json<List<CallView>>, ApiError> {
    let calls = acting.tenant.store.calls(&slot, limit(newest.limit)?).await?;
    Ok(Json(List::whole(calls.into_iter().map(call_view))))
}

async fn call(acting: Acting, Path((slot, id)): Path<(String, u64)>) -> Result<Json<CallWhole>, ApiError> {
    let kept = acting.tenant.store.calls(&slot, CALLS_MAX).await?;
    let mut call = kept.into_iter().find(|it| it.id == id).ok_or(ApiError::NotFound("call"))?;
    let recording = std::mem::take(&mut call.recording);
    let message = recording["failure"]["message"].as_str().map(str::to_owned);
    Ok(Json(CallWhole { call: CallView { message, ..call_view(call) }, recording }))
}

async fn activate(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
    Json(body): Json<Activate>,
) -> Result<Json<SlotView>, ApiError> {
    let filled = door.app.plugins.activate(&acting.tenant, &slot, body.release).await?;
    changed(&acting);
    Ok(Json(slot_view(&door, &acting, filled)))
}

async fn rollback(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
) -> Result<Json<SlotView>, ApiError> {
    let filled = door.app.plugins.rollback(&acting.tenant, &slot).await?;
    changed(&acting);
    Ok(Json(slot_view(&door, &acting, filled)))
}

async fn vacate(
    State(door): State<Door>,
    acting: Acting,
    Path(slot): Path<String>,
) -> Result<Json<SlotView>, ApiError> {
    let emptied = door.app.plugins.vacate(&acting.tenant, &slot).await?;
    changed(&acting);
    Ok(Json(slot_view(&door, &acting, emptied)))
}

/// Another connector may verify webhooks otherwise.
fn changed(acting: &Acting) {
    acting.tenant.hooks.raise();
    acting.tenant.wake.notify_one();
}

fn slot_view(door: &Door, acting: &Acting, slot: Slot) -> SlotView {
    let failing = door.app.plugins.failing(&acting.tenant, &slot.name).map(|it| FailingView {
        failures: it.failures,
        since: moment(it.since),
        code: it.code.to_owned(),
        retry_at: moment(it.retry_at),
    });
    SlotView { name: slot.name, active: slot.active, previous: slot.previous, failing }
}

async fn release_view(door: &Door, acting: &Acting, release: Release) -> Result<ReleaseView, ApiError> {
    let certificates = door.app.plugins.certificates(&acting.tenant, &release.digest).await?;
    Ok(ReleaseView {
        certificates: certificates.iter().map(certificate_view).collect(),
        id: release.id,
        slot: release.slot,
        digest: release.digest,
        plugin: release.plugin,
        state: release.state,
        created_at: moment(release.created_at),
    })
}

fn certificate_view(certificate: &Certificate) -> CertificateView {
    CertificateView {
        against: certificate.against.clone(),
        proved: certificate.count(Verdict::Proved),
        untested: certificate.count(Verdict::Untested),
        refuted: certificate.refuted().map(|(place, _)| place).collect(),
    }
}

fn call_view(call: CallRow) -> CallView {
    CallView {
        id: call.id,
        at: moment(call.at),
        digest: call.digest,
        function: call.function,
        fault: call.fault,
        message: call.recording["failure"]["message"].as_str().map(str::to_owned),
        fuel: call.fuel,
        micros: call.micros,
    }
}

//! Snapshots of the whole network.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Integer, List, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "sim_createSnapshot",
        "Makes a snapshot of the whole network: state, transactions, validators, providers, clock.",
        &[may("admin_key", Text)],
        "its number, larger than that of every earlier one",
        |caller, _| Box::pin(async move { Ok(json!(caller.api.handles.create_snapshot().await?.id)) }),
    )
    .admin(),
    Definition::new(
        "sim_restoreSnapshot",
        "Sets the network back to a snapshot, and deletes later ones. Blocks and events go on counting.",
        &[needs("snapshot_id", Integer), may("admin_key", Text)],
        "whether there was one",
        |caller, args| Box::pin(restore(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_deleteSnapshot",
        "Deletes a snapshot.",
        &[needs("snapshot_id", Integer), may("admin_key", Text)],
        "whether there was one",
        |caller, args| Box::pin(delete(caller, args)),
    )
    .admin()
    .differs("absent there"),
    Definition::new(
        "sim_deleteAllSnapshots",
        "Deletes every snapshot.",
        &[may("admin_key", Text)],
        "an object with `deleted_count`",
        |caller, _| {
            Box::pin(async move {
                Ok(json!({ "deleted_count": caller.api.handles.delete_snapshots().await? }))
            })
        },
    )
    .admin(),
    Definition::new(
        "sim_clearDbTables",
        "Refused: no table can be emptied without breaking the others.",
        &[may("tables", List), may("admin_key", Text)],
        "nothing",
        |_, _| {
            Box::pin(async {
                let message = "tables cannot be emptied one by one; go back to a snapshot \
                    (sim_createSnapshot, sim_restoreSnapshot) or start with another --data-dir";
                Err(RpcError::new(RpcError::REFUSED, message))
            })
        },
    )
    .admin()
    .differs("refused: a snapshot or a new data folder does the same without half a ledger"),
];

fn id(args: &Args) -> Result<i64, RpcError> {
    let id = args.required("snapshot_id", args.integer("snapshot_id")?)?;
    Ok(i64::try_from(id).unwrap_or(i64::MAX))
}

async fn restore(caller: Caller, args: Args) -> Answer {
    Ok::<Json, RpcError>(json!(caller.api.handles.restore_snapshot(id(&args)?).await?))
}

async fn delete(caller: Caller, args: Args) -> Answer {
    Ok(json!(caller.api.handles.delete_snapshot(id(&args)?).await?))
}

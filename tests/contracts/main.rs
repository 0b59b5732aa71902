//! Contracts in the real executor: the real binary, real processes, the real sandbox.

mod harness;

use harness::*;

#[tokio::test]
async fn smoke() {
    let executor = executor();
    for example in agora::execution::python::examples() {
        eprintln!("== {}", example.name);
        let schema = agora::execution::Executor::schema(
            &executor,
            request(example.source, None, vec![]).code,
        )
        .await
        .unwrap();
        match schema {
            Ok(s) => eprintln!("{s}"),
            Err(s) => eprintln!("ERR {s}"),
        }
    }
    let mut c =
        Contract::deploy(&executor, agora::execution::python::examples()[0].source, vec![]).await;
    eprintln!("{:?}", c.call("put", vec![text("a"), text("b")]).await);
    eprintln!("{:?}", c.call("get", vec![text("a")]).await);
    let t = std::time::Instant::now();
    for _ in 0..200 {
        c.call("get", vec![text("a")]).await;
    }
    eprintln!("{:?} {:?}", t.elapsed() / 200, executor.sandbox_report());
    let r = c.run(Some("gett"), vec![text("a")]).await;
    eprintln!("{:?} {}", r, r.stderr);
}

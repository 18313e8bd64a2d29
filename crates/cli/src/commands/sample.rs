//! `lakegate sample`.

use anyhow::Result;
use lakegate_testkit::Site;
use serde_json::json;

use crate::args::{Output, SampleArgs};
use crate::exit::Exit;
use crate::output;

/// Lays out a site and says where everything will listen.
pub(crate) fn run(args: &SampleArgs, format: Output) -> Result<Exit> {
    let site = Site::lay_out(&args.folder, args.brokers)?;
    let ports = site.ports();
    let brokers = site.endpoints();
    let admin: Vec<String> = ports.brokers.iter().map(|(_, admin)| format!("http://{admin}")).collect();
    let (cloud, redis) = (format!("http://{}", ports.cloud), format!("rediss://{}", ports.redis));
    match format {
        Output::Json => output::json(&json!({
            "folder": site.folder(), "cloud": cloud, "redis": redis, "brokers": brokers, "admin": admin,
            "generator_admin": format!("http://{}", ports.generator),
        }))?,
        Output::Table => {
            let mut table = output::table(&["process", "listens at", "started with"]);
            let here = site.folder().display();
            table.add_row(["redis", &redis, &format!("redis-server {here}/redis.conf")]);
            table.add_row(["cloud", &cloud, &format!("lakegate emulate {here}")]);
            for (number, broker) in (1..).zip(&brokers) {
                let name = format!("broker {number}");
                let command = format!("lakegate-broker --config {here}/broker-{number}.toml");
                table.add_row([&name, broker, &command]);
            }
            let command = format!("lakegate-generator --config {here}/generator.toml");
            table.add_row(["generator", &format!("http://{}", ports.generator), &command]);
            println!("{table}");
        }
    }
    Ok(Exit::Done)
}

//! Compiles the `.proto` files in pure Rust, so that nobody has to install protoc.

use std::error::Error;
use std::path::PathBuf;

use prost::Message;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=lakegate");
    let files = ["lakegate/v1/access.proto", "lakegate/v1/policy.proto", "lakegate/v1/delegation.proto"];
    let descriptors = protox::compile(files, ["."])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("lakegate.v1.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .codec_path("crate::codec::StrictCodec")
        .skip_debug([
            "lakegate.v1.BearerCredential",
            "lakegate.v1.AwsCredential",
            "lakegate.v1.SasCredential",
            "lakegate.v1.IssueDelegationTokenResponse",
            "lakegate.v1.RenewDelegationTokenRequest",
            "lakegate.v1.CancelDelegationTokenRequest",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}

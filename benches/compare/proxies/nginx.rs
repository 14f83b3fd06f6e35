//! nginx as a tuned reverse proxy: one worker, kept-alive upstream, no access log.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Place, Running, Subject, configuration};
use crate::Result;
use crate::cli::Case;
use crate::process::{self, Process};

/// Why nginx cannot be measured here; `None` when it can.
pub fn obstacle() -> Option<String> {
    match Command::new("nginx").arg("-v").stderr(Stdio::null()).status() {
        Ok(status) if status.success() => None,
        _ => Some("not installed (Debian: apt-get install nginx-light)".to_owned()),
    }
}

/// Starts nginx in the foreground.
///
/// # Errors
/// When it does not become ready.
pub async fn start(place: &Place, case: Case) -> Result<Running> {
    let listen = process::free_address()?;
    let directory = place.directory(Subject::Nginx, listen)?;
    let text = text(&directory, listen, place, case);
    let file = configuration(&directory, "nginx.conf", &text)?;
    let mut program = command(&directory, &file);
    program.args(["-g", "daemon off;"]);
    let mut stop = command(&directory, &file);
    stop.args(["-s", "stop"]);
    let process = Process::start(place.core, &program, Stdio::null())?;
    let mut process = process.stopped_by(stop).owning(directory);
    process.ready(listen, None).await?;
    Ok(Running::plain(listen, Some(process)))
}

fn command(directory: &Path, file: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-p").arg(directory).arg("-c").arg(file);
    command.arg("-e").arg(directory.join("error.log"));
    command
}

fn text(directory: &Path, listen: SocketAddr, place: &Place, case: Case) -> String {
    let directory = directory.display();
    let upstream = place.upstream;
    // Buffered, nginx would hold events back; unbuffered, small JSON costs it more.
    let buffering = match case {
        Case::B5 => "off",
        _ => "on",
    };
    format!(
        r#"worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    tcp_nodelay on;
    upstream mock {{
        server {upstream};
        keepalive 4096;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen {listen} backlog=4096;
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_buffering {buffering};
        }}
    }}
}}
"#
    )
}

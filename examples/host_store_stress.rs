//! The host store under load: processes × hits over few and many keys, sums compared, time per hit.
//!
//! ```text
//! cargo run --release --no-default-features --example host_store_stress [hits]
//! ```
//!
//! Starts itself again as the processes that hit. Exits with 1 when a sum is wrong or a window admitted more
//! than its limit.

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    stress::main()
}

#[cfg(unix)]
mod stress {
    use carapace::client_key::ClientKey;
    use carapace::host_store::{HostStore, Origin};
    use carapace::rate_limit::process::{Hit, StorePolicy};
    use carapace::rate_limit::{HostCounters, Policy, PolicyInput};
    use std::collections::HashMap;
    use std::error::Error;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitCode, Stdio};
    use std::time::Instant;

    type Outcome<T> = Result<T, Box<dyn Error>>;

    const HITS: u32 = 1_000_000;
    /// How many keys, and the limit that they reach in a window of [`WINDOW_MS`].
    const KEYS: [(u32, u32); 4] = [(1, 1_000), (10, 1_000), (1_000, 100), (20_000, 3)];
    const WINDOW_MS: &str = "20";

    pub(super) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().collect();
        let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [_, "work", folder, window_ms, limit, keys, hits, offset] => {
                work(folder, [window_ms, limit, keys, hits, offset])
            }
            [_, hits] => hits.parse().map_err(Into::into).and_then(run),
            _ => run(HITS),
        };
        match outcome {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run(hits: u32) -> Outcome<bool> {
        println!("{hits} hits by each process; fixed window; ns a hit is each process's own time");
        println!(
            "{:>8} {:>9} {:>12} {:>14} {:>8}",
            "keys", "processes", "ns a hit", "hits a second", "sum"
        );
        let mut is_good = true;
        for (keys, _) in KEYS {
            for processes in [1, 2, 4] {
                is_good &= sums(processes, keys, hits)?;
            }
        }
        for (keys, limit) in KEYS {
            is_good &= windows(keys, limit, hits)?;
        }
        Ok(is_good)
    }

    fn sums(processes: u32, keys: u32, hits: u32) -> Outcome<bool> {
        let folder = Folder::new();
        let began = Instant::now();
        let reports = start_all(&folder, processes, ["3600000", "1000"], keys, hits)?;
        let elapsed = began.elapsed();
        let (store, policy) = open(&folder.0, 3_600_000, 1_000)?;
        let counted: u64 = (0..keys)
            .filter_map(|key| store.peek(&policy, store.hash(&ClientKey::Text(&units(key)))))
            .map(|decision| u64::from(decision.used))
            .sum();
        let is_exact = counted == u64::from(processes) * u64::from(hits);
        let nanoseconds: f64 = reports.iter().map(|report| report.nanoseconds).sum();
        println!(
            "{keys:>8} {processes:>9} {:>12.0} {:>14.0} {:>8}",
            nanoseconds / f64::from(processes),
            f64::from(processes) * f64::from(hits) / elapsed.as_secs_f64(),
            if is_exact { "exact" } else { "WRONG" }
        );
        Ok(is_exact)
    }

    /// Four processes while windows end.
    fn windows(keys: u32, limit: u32, hits: u32) -> Outcome<bool> {
        let folder = Folder::new();
        let mut passed: HashMap<(u32, u64), u32> = HashMap::new();
        for report in start_all(&folder, 4, [WINDOW_MS, &limit.to_string()], keys, hits)? {
            for (window, count) in report.passed {
                *passed.entry(window).or_default() += count;
            }
        }
        let most = passed.values().max().copied().unwrap_or(0);
        let is_good = most <= limit;
        println!(
            "{keys:>8} keys, windows of {WINDOW_MS} ms, limit {limit}: {} windows, at most {most} passed in one: {}",
            passed.len(),
            if is_good { "good" } else { "TOO MANY" }
        );
        Ok(is_good)
    }

    struct Report {
        nanoseconds: f64,
        passed: Vec<((u32, u64), u32)>,
    }

    fn start_all(
        folder: &Folder,
        processes: u32,
        policy: [&str; 2],
        keys: u32,
        hits: u32,
    ) -> Outcome<Vec<Report>> {
        let start = |number: u32| {
            Command::new(std::env::current_exe()?)
                .args(["work".as_ref(), folder.0.as_os_str()])
                .args(policy)
                .args([&keys.to_string(), &hits.to_string(), &(number * 7).to_string()])
                .stdout(Stdio::piped())
                .spawn()
        };
        let started: Vec<Child> = (0..processes).map(start).collect::<Result<_, _>>()?;
        started.into_iter().map(report_of).collect()
    }

    fn report_of(child: Child) -> Outcome<Report> {
        let output = child.wait_with_output()?;
        let text = String::from_utf8(output.stdout)?;
        let mut lines = text.lines();
        let nanoseconds = lines.next().ok_or("a process said nothing")?.parse()?;
        let window = |line: &str| -> Outcome<_> {
            let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
            match numbers[..] {
                [key, end, count] => Ok(((u32::try_from(key)?, end), u32::try_from(count)?)),
                _ => Err("a line that is none".into()),
            }
        };
        Ok(Report { nanoseconds, passed: lines.map(window).collect::<Outcome<_>>()? })
    }

    /// One process: its time for a hit, then what passed in which window.
    fn work(folder: &str, numbers: [&str; 5]) -> Outcome<bool> {
        let [window_ms, limit, keys, hits, offset] = numbers.map(str::parse::<u32>);
        let (window_ms, keys, hits, offset) = (window_ms?, keys?, hits?, offset?);
        let (store, policy) = open(Path::new(folder), window_ms, limit?)?;
        let hashes: Vec<_> =
            (0..keys).map(|key| store.hash(&ClientKey::Text(&units(key)))).collect();
        let mut passed: HashMap<(u32, u64), u32> = HashMap::new();
        let is_watched = window_ms < 1_000;
        let began = Instant::now();
        for (turn, key) in
            (0..hits).zip(hashes.iter().zip(0..).cycle().skip(offset as usize % keys as usize))
        {
            let _ = turn;
            let (decision, _) = store.hit(&Hit { policy, key: *key.0, cost: 1 });
            if is_watched && decision.is_allowed {
                *passed.entry((key.1, decision.reset_at_ms)).or_default() += 1;
            }
        }
        println!("{}", began.elapsed().as_secs_f64() * 1e9 / f64::from(hits));
        for ((key, end), count) in passed {
            println!("{key} {end} {count}");
        }
        Ok(true)
    }

    fn open(folder: &Path, window_ms: u32, limit: u32) -> Outcome<(HostCounters, StorePolicy)> {
        let (file, origin) = HostStore::open(&folder.join("stress.store"), None)?;
        if let Origin::Replaced(damage) = origin {
            return Err(format!("the store was replaced: {}", damage.as_str()).into());
        }
        let store = HostCounters::new(file);
        let input = PolicyInput {
            algorithm: Some("fixed-window".to_owned()),
            limit: limit.into(),
            window_ms: Some(window_ms.into()),
            ..PolicyInput::default()
        };
        let policy = store.register(Policy::try_from(input)?, Some("stress"));
        Ok((store, policy))
    }

    fn units(key: u32) -> Vec<u16> {
        key.to_string().encode_utf16().collect()
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("carapace-stress-{}", std::process::id())))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

//! How often somebody may be wrong: a leaky bucket for each name at an address, and a larger one for the address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::id::Name;

/// Wrong passwords for one name from one address, before the next must wait.
pub const PER_NAME: f64 = 10.0;
/// Wrong passwords from one address, whatever the name. Many people may share one.
pub const PER_ADDRESS: f64 = 200.0;
/// How long a full bucket takes to run empty.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Buckets kept; when there are more, the empty ones go, then those longest untouched. Some 100 bytes each.
const BUCKETS: usize = 8192;

/// Counts what went wrong lately, by whom.
#[derive(Default)]
pub struct Limiter {
    buckets: Mutex<HashMap<Key, Bucket>>,
}

/// Whose bucket. A word that is no name shares one bucket with all that are none.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(Option<Name>, IpAddr),
    Address(IpAddr),
}

struct Bucket {
    level: f64,
    at: Instant,
}

impl Limiter {
    /// Counts an attempt before it is made, so that a hundred at once are not all let through.
    /// The error is how long to wait; an attempt that must wait is not counted.
    pub fn take(&self, name: Option<&Name>, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let address = network(address);
        let keys = [(Key::Name(name.cloned(), address), PER_NAME), (Key::Address(address), PER_ADDRESS)];
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, size) in &keys {
            let level = buckets.get(key).map_or(0.0, |bucket| bucket.level(*size, now));
            if level + 1.0 > *size {
                return Err(WINDOW.mul_f64((level + 1.0 - size) / size));
            }
        }
        for (key, size) in keys {
            make_room(&mut buckets, now);
            let bucket = buckets.entry(key).or_insert(Bucket { level: 0.0, at: now });
            *bucket = Bucket { level: bucket.level(size, now) + 1.0, at: now };
        }
        Ok(())
    }

    /// The attempt was right: the name is forgiven at this address, and the address what it was charged.
    pub fn forgive(&self, name: Option<&Name>, address: IpAddr) {
        let address = network(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.remove(&Key::Name(name.cloned(), address));
        refund(&mut buckets, &Key::Address(address));
    }

    /// The attempt was not made after all.
    pub fn give_back(&self, name: Option<&Name>, address: IpAddr) {
        let address = network(address);
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        refund(&mut buckets, &Key::Name(name.cloned(), address));
        refund(&mut buckets, &Key::Address(address));
    }
}

impl Bucket {
    fn level(&self, size: f64, now: Instant) -> f64 {
        let leaked = now.saturating_duration_since(self.at).as_secs_f64() / WINDOW.as_secs_f64() * size;
        (self.level - leaked).max(0.0)
    }
}

fn refund(buckets: &mut HashMap<Key, Bucket>, key: &Key) {
    if let Some(bucket) = buckets.get_mut(key) {
        bucket.level = (bucket.level - 1.0).max(0.0);
    }
}

fn make_room(buckets: &mut HashMap<Key, Bucket>, now: Instant) {
    if buckets.len() < BUCKETS {
        return;
    }
    buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < WINDOW);
    while buckets.len() >= BUCKETS {
        let oldest = buckets.iter().min_by_key(|(_, bucket)| bucket.at).map(|(key, _)| key.clone());
        match oldest {
            Some(key) => buckets.remove(&key),
            None => return,
        };
    }
}

/// What one customer of a provider has: an IPv4 address, or 64 bits of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_wrong_passwords_lock_a_name_at_one_address_and_nobody_else() {
        let (limiter, now, alice) = (Limiter::default(), Instant::now(), name("alice"));
        for _ in 0..10 {
            assert!(limiter.take(Some(&alice), address("10.0.0.1"), now).is_ok());
        }
        let wait = limiter.take(Some(&alice), address("10.0.0.1"), now).unwrap_err();
        assert_eq!(wait.as_secs(), 90);
        assert!(limiter.take(Some(&alice), address("10.0.0.2"), now).is_ok());
        assert!(limiter.take(Some(&name("bob")), address("10.0.0.1"), now).is_ok());
        assert!(limiter.take(Some(&alice), address("10.0.0.1"), now + wait).is_ok());
    }

    #[test]
    fn attempts_that_were_refused_do_not_fill_the_bucket_of_the_address() {
        let (limiter, now, alice) = (Limiter::default(), Instant::now(), name("alice"));
        for _ in 0..1000 {
            let _ = limiter.take(Some(&alice), address("10.0.0.1"), now);
        }
        assert!(limiter.take(Some(&name("bob")), address("10.0.0.1"), now).is_ok());
    }

    #[test]
    fn an_address_that_tries_many_names_is_slowed_down_too() {
        let (limiter, now) = (Limiter::default(), Instant::now());
        let tried =
            (0..1000).take_while(|n| limiter.take(Some(&name(&format!("user{n}"))), address("10.0.0.1"), now).is_ok());
        assert_eq!(tried.count(), 200);
    }

    #[test]
    fn a_right_password_forgives_the_wrong_ones() {
        let (limiter, now, alice) = (Limiter::default(), Instant::now(), name("alice"));
        for _ in 0..10 {
            limiter.take(Some(&alice), address("10.0.0.1"), now).unwrap();
        }
        limiter.forgive(Some(&alice), address("10.0.0.1"));
        assert!(limiter.take(Some(&alice), address("10.0.0.1"), now).is_ok());
    }

    #[test]
    fn all_addresses_of_one_ipv6_network_count_as_one() {
        let (limiter, now, alice) = (Limiter::default(), Instant::now(), name("alice"));
        for n in 0..10 {
            limiter.take(Some(&alice), address(&format!("2001:db8::{n:x}")), now).unwrap();
        }
        assert!(limiter.take(Some(&alice), address("2001:db8::ffff"), now).is_err());
        assert!(limiter.take(Some(&alice), address("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn the_map_of_buckets_is_bounded_and_the_latest_stay() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        for n in 0..BUCKETS as u32 {
            let from = IpAddr::from(std::net::Ipv4Addr::from_bits(n));
            limiter.take(None, from, start + Duration::from_millis(n.into())).unwrap();
        }
        let buckets = limiter.buckets.lock().unwrap();
        assert!(buckets.len() <= BUCKETS);
        assert!(buckets.contains_key(&Key::Address(IpAddr::from(std::net::Ipv4Addr::from_bits(BUCKETS as u32 - 1)))));
    }
}

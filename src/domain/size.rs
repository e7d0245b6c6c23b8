//! Amounts of bytes, as people write and read them.

/// How many bytes a text means: `200MB`, `64 KiB`, `1GB`, `4096`. None if it means none, or more than fit.
pub fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[end..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(unit)
}

/// An amount for people: `812 MB`, `1.5 GB`, `640 B`.
pub fn spoken_bytes(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = u128::from(bytes) * 10 / unit;
    match (tenths / 10, tenths % 10) {
        (whole @ 100.., _) | (whole, 0) => format!("{whole} {name}"),
        (whole, tenth) => format!("{whole}.{tenth} {name}"),
    }
}

/// A number with its thousands apart: `1,234,567`.
pub fn spoken_number(number: u64) -> String {
    let digits = number.to_string();
    let mut spoken = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            spoken.push(',');
        }
        spoken.push(digit);
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, expected) in [("200MB", 200_000_000), ("64 KiB", 65_536), ("4096", 4096), ("2gb", 2_000_000_000)] {
            assert_eq!(bytes(text), Some(expected), "{text}");
        }
        for wrong in ["", "MB", "1.5MB", "-1", "3 apples", "99999999999GB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_are_told_as_people_read_them() {
        assert_eq!([640, 1_500, 812_345_678, 1_500_000_000].map(spoken_bytes), ["640 B", "1.5 kB", "812 MB", "1.5 GB"]);
        assert_eq!([0, 999, 1_000, 1_234_567].map(spoken_number), ["0", "999", "1,000", "1,234,567"]);
    }
}

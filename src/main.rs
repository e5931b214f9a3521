//! Writes the schema.
fn main() {
    print!("{}", claimbench::record::json_schema());
}

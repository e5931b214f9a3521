//! The price of the user's own machine, from `my-prices.toml`. The file is git-ignored: a price paid is private.

mod wire;

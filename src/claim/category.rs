//! What claims are about, in the order of the pages.

/// What a claim is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Category {
    /// Training a model.
    TrainingCost,
    /// Running a trained model.
    InferenceCost,
    /// Keeping machines running.
    OperatingCost,
    /// Machines said to exist, and what buying them cost.
    ComputeFleet,
    /// Electricity.
    Energy,
    /// Data centres to be built.
    Capex,
    /// Sums promised or pledged.
    Investment,
    /// Market values and shares.
    Market,
    /// Rules and declarations.
    Policy,
    /// Salaries.
    Talent,
    /// Numbers of models.
    Models,
    /// Patents.
    Patents,
    /// Populations and other counts of people.
    People,
}

impl Category {
    /// All of them, in the order of the pages: what this program is about comes first.
    pub const ALL: [Self; 13] = [
        Self::TrainingCost,
        Self::InferenceCost,
        Self::OperatingCost,
        Self::ComputeFleet,
        Self::Energy,
        Self::Capex,
        Self::Investment,
        Self::Market,
        Self::Policy,
        Self::Talent,
        Self::Models,
        Self::Patents,
        Self::People,
    ];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::TrainingCost => "training-cost",
            Self::InferenceCost => "inference-cost",
            Self::OperatingCost => "operating-cost",
            Self::ComputeFleet => "compute-fleet",
            Self::Energy => "energy",
            Self::Capex => "capex",
            Self::Investment => "investment",
            Self::Market => "market",
            Self::Policy => "policy",
            Self::Talent => "talent",
            Self::Models => "models",
            Self::Patents => "patents",
            Self::People => "people",
        }
    }

    /// True for what a run's own page shows: costs, fleets and energy.
    pub const fn is_on_main_page(self) -> bool {
        matches!(
            self,
            Self::TrainingCost
                | Self::InferenceCost
                | Self::OperatingCost
                | Self::ComputeFleet
                | Self::Energy
        )
    }
}

//! What each flag means and what to do, in the languages of the pages.

use super::Flag;
use crate::language::Language;

impl Flag {
    /// What it means and what to do.
    pub const fn advice(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english(),
            Language::French => self.french(),
        }
    }

    const fn english(self) -> &'static str {
        match self {
            Self::Bursts => {
                "Some repetitions in a row took another time than the rest: something disturbed the machine for a while, or one \
                 start of the program ran otherwise than the others. Look at the samples, and measure again."
            }
            Self::CoarseClock => {
                "The clock's steps are larger than a thousandth of the time per output token: take a longer workload or a \
                 larger model."
            }
            Self::CpuQuota => {
                "The container or control group gives the program less processor time than its threads ask for: raise the limit, \
                 or read the figures as those of the limited machine."
            }
            Self::CpuSteal => {
                "The hypervisor gave more than 1 % of the processor time to other virtual machines: measure at a quieter hour, or \
                 on a machine of your own."
            }
            Self::DebugBuild => {
                "Built without optimisation: these speeds mean nothing. Use cargo bench or --release."
            }
            Self::Drift => {
                "The last third of the repetitions took another time than the first, by more than their noise explains: the \
                 machine was warming up, slowing down or getting busier. Measure again, longer."
            }
            Self::EnergyContradicted => {
                "The energy counted and the power drawn over the time differ by more than 5 %: one of the two readings is wrong, \
                 so believe neither."
            }
            Self::EnergyEstimated => {
                "Energy is a range from the processor's load and rating, not a measurement."
            }
            Self::FewerRepetitions => {
                "Fewer repetitions were measured than the workload asks for, because the time budget or the run ended; \
                 the interval is wider for it, and below six repetitions there is none."
            }
            Self::ForeignLoad => {
                "Other programs took more than 5 % of the processor time while requests ran: close them and measure again."
            }
            Self::Implausible => {
                "Each step would have read more bytes per second than this memory was seen to give: something is wrong with the \
                 times, with the model's size or with the measured bandwidth. Do not use these figures; please report them."
            }
            Self::MemoryPressure => {
                "Memory was moved to or from swap, or programs waited for memory, while requests ran: close other programs, or \
                 take a smaller model."
            }
            Self::NotGated => {
                "The logits were not compared with a plain computation of the same weights, so nobody checked on this \
                 machine that the engine computes this model rightly; the case says why."
            }
            Self::OnBattery => {
                "The machine ran on its battery, which usually slows it down: plug it in and measure again."
            }
            Self::OutputDiffers => {
                "Equal prompts gave different answers: the engine is not deterministic, or memory is faulty."
            }
            Self::PowerOverLimit => {
                "More power was drawn on average than the device is allowed to draw: the meter covers something else, or it is \
                 wrong."
            }
            Self::SingleProcessStart => {
                "All repetitions come from one process start; the spread between starts is not in the interval. \
                 claimbench run --resume RUN --starts 3 adds two."
            }
            Self::Suspended => {
                "The machine slept in the middle of a request: measure again with sleep switched off."
            }
            Self::SyntheticWeights => {
                "Random weights in the model's exact shape: valid for speed and memory; synthetic data: power depends \
                 on the values; meaningless as text."
            }
            Self::TestShape => {
                "A tiny shape that only exercises the harness: nothing here describes a real model."
            }
            Self::Throttled => {
                "A processor was slowed because of its heat while requests ran: improve the cooling, or read the figures as those \
                 of a hot machine."
            }
            Self::UntrustworthyInterval => {
                "The 95 % interval of the time per output token exceeds 20 % to either side: the machine was too busy or too few \
                 repetitions were measured. Do not use these figures."
            }
            Self::WideInterval => {
                "The 95 % interval of the time per output token exceeds 5 % to either side: the machine was \
                 disturbed, or more repetitions are needed."
            }
        }
    }

    const fn french(self) -> &'static str {
        match self {
            Self::Bursts => {
                "Des répétitions qui se suivent n’ont pas duré autant que les autres\u{a0}: quelque chose a dérangé la machine un \
                 moment, ou l’un des démarrages du programme s’est comporté autrement. Regardez les échantillons et mesurez à \
                 nouveau."
            }
            Self::CoarseClock => {
                "Le pas de l’horloge dépasse un millième du temps par token produit\u{a0}: prenez une tâche plus longue ou un modèle \
                 plus grand."
            }
            Self::CpuQuota => {
                "Le conteneur ou le groupe de contrôle accorde au programme moins de temps de processeur que ses fils \
                 d’exécution n’en demandent\u{a0}: relevez la limite, ou lisez ces chiffres comme ceux de la machine limitée."
            }
            Self::CpuSteal => {
                "L’hyperviseur a donné plus de 1\u{a0}% du temps de processeur à d’autres machines virtuelles\u{a0}: mesurez à une \
                 heure plus calme, ou sur une machine à vous."
            }
            Self::DebugBuild => {
                "Compilé sans optimisation\u{a0}: ces vitesses ne veulent rien dire. Utilisez cargo bench ou --release."
            }
            Self::Drift => {
                "Le dernier tiers des répétitions n’a pas duré autant que le premier, et leur variation n’y suffit pas\u{a0}: la \
                 machine chauffait, ralentissait ou se chargeait. Mesurez à nouveau, plus longtemps."
            }
            Self::EnergyContradicted => {
                "L’énergie comptée et la puissance tirée pendant ce temps diffèrent de plus de 5\u{a0}%\u{a0}: l’un des deux relevés est \
                 faux, ne croyez ni l’un ni l’autre."
            }
            Self::EnergyEstimated => {
                "L’énergie est une fourchette tirée de la charge et de la puissance nominale du processeur, pas une mesure."
            }
            Self::FewerRepetitions => {
                "Moins de répétitions que la tâche n’en demande, parce que le temps accordé ou la mesure a pris fin\u{202f}; \
                 l’intervalle en est plus large, et au-dessous de six répétitions il n’y en a pas."
            }
            Self::ForeignLoad => {
                "D’autres programmes ont pris plus de 5\u{a0}% du temps de processeur pendant les requêtes\u{a0}: fermez-les et mesurez \
                 à nouveau."
            }
            Self::Implausible => {
                "Chaque pas aurait lu plus d’octets par seconde que cette mémoire n’en a jamais fourni ici\u{a0}: les temps, la taille \
                 du modèle ou le débit mesuré sont faux. N’utilisez pas ces chiffres\u{202f}; signalez-les."
            }
            Self::MemoryPressure => {
                "De la mémoire a été échangée avec le disque, ou des programmes en ont attendu, pendant les requêtes\u{a0}: fermez \
                 d’autres programmes, ou prenez un modèle plus petit."
            }
            Self::NotGated => {
                "Les logits n’ont pas été comparés à ceux d’un calcul de référence sur les mêmes poids\u{a0}: personne n’a donc vérifié, \
                 sur cette machine, que le moteur calcule bien ce modèle\u{202f}; le cas en donne la raison."
            }
            Self::OnBattery => {
                "La machine fonctionnait sur batterie, ce qui la ralentit d’ordinaire\u{a0}: branchez-la et mesurez à nouveau."
            }
            Self::OutputDiffers => {
                "Des requêtes identiques ont reçu des réponses différentes\u{a0}: le moteur n’est pas déterministe, ou la \
                 mémoire est défectueuse."
            }
            Self::PowerOverLimit => {
                "La puissance moyenne dépasse celle que le matériel a le droit de tirer\u{a0}: le compteur couvre autre chose, ou il se \
                 trompe."
            }
            Self::SingleProcessStart => {
                "Toutes les répétitions viennent d’un seul démarrage du programme\u{202f}; l’écart entre démarrages n’entre pas \
                 dans l’intervalle. claimbench run --resume RUN --starts 3 en ajoute deux."
            }
            Self::Suspended => {
                "La machine s’est mise en veille au milieu d’une requête\u{a0}: mesurez à nouveau, la veille désactivée."
            }
            Self::SyntheticWeights => {
                "Poids aléatoires dans la forme exacte du modèle\u{a0}: valables pour la vitesse et la mémoire\u{202f}; la puissance, \
                 elle, dépend des valeurs\u{202f}; le texte produit n’a aucun sens."
            }
            Self::TestShape => {
                "Une forme minuscule qui ne sert qu’à éprouver l’outil\u{a0}: rien ici ne décrit un vrai modèle."
            }
            Self::Throttled => {
                "Un processeur a été ralenti par sa chaleur pendant les requêtes\u{a0}: améliorez le refroidissement, ou lisez ces \
                 chiffres comme ceux d’une machine chaude."
            }
            Self::UntrustworthyInterval => {
                "L’intervalle à 95\u{a0}% du temps par token produit dépasse 20\u{a0}% de part et d’autre\u{a0}: la machine était trop \
                 occupée, ou les répétitions trop peu nombreuses. N’utilisez pas ces chiffres."
            }
            Self::WideInterval => {
                "L’intervalle à 95\u{a0}% du temps par token produit dépasse 5\u{a0}% de part et d’autre\u{a0}: la machine a été \
                 perturbée, ou il faut davantage de répétitions."
            }
        }
    }
}

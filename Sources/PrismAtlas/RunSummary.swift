/// What a run was and what it found, as far as it is not per latent: the head of a report.
public struct RunSummary: Codable, Hashable, Sendable {
    public var title: String
    /// When the run was made, as it shall be shown; left out, equal runs give equal reports.
    public var date: String?
    /// Model name, for example "SmolLM2-135M-Instruct".
    public var model: String
    /// Hook point in the field's interchange name, for example "blocks.15.hook_resid_post".
    public var hook: String
    public var dictionary: DictionaryFacts
    public var data: DataFacts
    /// By name; the names in `MetricCatalogue` come with a place, a label and a definition of their own.
    public var metrics: [String: Metric]
    /// Training curves by name: "loss", "fvu", "l0", "dead_fraction", "learning_rate", or any other.
    public var curves: [String: [CurvePoint]]
    /// Further sections of the report, in order, after the built-in ones and before the table of latents.
    public var sections: [ReportSection]

    public init(
        title: String, date: String? = nil, model: String, hook: String, dictionary: DictionaryFacts, data: DataFacts,
        metrics: [String: Metric] = [:], curves: [String: [CurvePoint]] = [:], sections: [ReportSection] = []
    ) {
        self.title = title
        self.date = date
        self.model = model
        self.hook = hook
        self.dictionary = dictionary
        self.data = data
        self.metrics = metrics
        self.curves = curves
        self.sections = sections
    }

    public struct DictionaryFacts: Codable, Hashable, Sendable {
        /// For example "BatchTopK".
        public var architecture: String
        /// Number of latents.
        public var latents: Int
        /// Width of the activations.
        public var width: Int
        /// Active latents per token, for architectures that fix it.
        public var k: Int?
        /// Anything else worth a line, for example "normalisation: √d".
        public var notes: [String]

        public init(architecture: String, latents: Int, width: Int, k: Int? = nil, notes: [String] = []) {
            self.architecture = architecture
            self.latents = latents
            self.width = width
            self.k = k
            self.notes = notes
        }
    }

    public struct DataFacts: Codable, Hashable, Sendable {
        /// Source labels, in words.
        public var sources: [String]
        public var trainingTokens: Int
        public var heldOutTokens: Int
        /// Contexts that the held-out tokens lie in; intervals come from resampling them.
        public var heldOutContexts: Int?
        /// How the held-out part was split off, in words.
        public var split: String
        /// Positions that nothing is measured at, in words: "… are left out".
        public var leftOut: String?

        public init(
            sources: [String], trainingTokens: Int, heldOutTokens: Int, heldOutContexts: Int? = nil, split: String,
            leftOut: String? = nil
        ) {
            self.sources = sources
            self.trainingTokens = trainingTokens
            self.heldOutTokens = heldOutTokens
            self.heldOutContexts = heldOutContexts
            self.split = split
            self.leftOut = leftOut
        }
    }

    /// A measured number with its confidence interval.
    public struct Metric: Codable, Hashable, Sendable {
        public var value: Double
        /// Bounds of the 95% confidence interval; nil where none was computed.
        public var low: Double?
        public var high: Double?
        /// Exact definition, one sentence; nil takes the catalogue's.
        public var definition: String?

        public init(value: Double, low: Double? = nil, high: Double? = nil, definition: String? = nil) {
            self.value = value
            self.low = low
            self.high = high
            self.definition = definition
        }
    }

    public struct CurvePoint: Codable, Hashable, Sendable {
        public var step: Int
        public var value: Double

        public init(step: Int, value: Double) {
            self.step = step
            self.value = value
        }
    }
}

/// A part of a report under a heading of its own. A report is a list of them.
public struct ReportSection: Codable, Hashable, Sendable {
    public var title: String
    /// One or two sentences under the heading.
    public var lead: String?
    public var parts: [Part]

    public init(title: String, lead: String? = nil, parts: [Part]) {
        self.title = title
        self.lead = lead
        self.parts = parts
    }

    public enum Part: Codable, Hashable, Sendable {
        /// Paragraphs are parted by empty lines.
        case text(body: String)
        /// Numbers side by side.
        case figures(heading: String?, items: [Figure])
        /// A Vega-Lite specification with its data inside; the page gives it its colours and its width.
        case chart(title: String, caption: String?, specification: ChartSpecification)
        /// links: where each row's first cell leads, relative to the page.
        case table(columns: [String], rows: [[String]], links: [String]? = nil)
    }

    public struct Figure: Codable, Hashable, Sendable {
        public var label: String
        public var metric: RunSummary.Metric
        public var format: NumberFormat

        public init(label: String, metric: RunSummary.Metric, format: NumberFormat = .number) {
            self.label = label
            self.metric = metric
            self.format = format
        }
    }

    public enum NumberFormat: String, Codable, Hashable, Sendable {
        case number, percent
    }
}

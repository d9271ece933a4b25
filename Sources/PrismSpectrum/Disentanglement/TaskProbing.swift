import PrismMetrics
import PrismTensor

/// How well few units tell the classes of a task, each class against the others (Gurnee et al. 2023; SAEBench's sparse probing),
/// with every ranking of units.
public struct TaskProbing: Codable, Sendable {
    /// What k units of a set reach, chosen by one ranking.
    public struct Result: Codable, Sendable {
        public let units: String
        public let isControl: Bool
        public let ranking: UnitRanking
        public let k: Int
        /// Mean over the classes.
        public let accuracy, f1: Estimate
        /// Of the optimal sets, the share of the classes whose search came to its end; nil of other rankings.
        public let certain: Double?
    }

    public let task: String
    /// The classes of which there are enough examples.
    public let classes: [String]
    /// Accuracy of probes on the whole activation, mean over the classes: what the model knows at this place.
    public let whole: Estimate
    public let results: [Result]
    /// Of each class and set of units the probes on those of the largest mean difference.
    public let probes: [ClassProbe]

    public struct ClassProbe: Codable, Sendable {
        public let units: String
        public let probe: SparseProbe
    }

    /// Nil where no class has enough examples.
    /// - rankings: of controls, the mean difference alone is computed.
    public init?(_ examples: LabelledExamples, rankings: [UnitRanking] = UnitRanking.allCases, workers: Workers) {
        let rows = examples.balancedRows
        let measured = rows.indices.filter { rows[$0] != nil }
        guard !measured.isEmpty else { return nil }
        task = examples.name
        classes = measured.map { examples.classes[$0] }
        whole = Estimate(
            meanOf: workers.map(measured.count, by: 1) { _, range in
                let rows = rows[measured[range.lowerBound]]!
                return ActivationProbe(examples.x, rows: rows.train, labels: rows.labels(rows.train))
                    .quality(examples.x, rows).accuracy
            })
        struct Job {
            let units: ExampleUnits
            let ranking: UnitRanking
            let place: Int
        }
        let jobs = examples.units.flatMap { units in
            (units.isControl ? [.meanDifference] : rankings).flatMap { ranking in
                measured.map { Job(units: units, ranking: ranking, place: $0) }
            }
        }
        let found = workers.map(jobs.count, by: 1) { _, range in
            let job = jobs[range.lowerBound]
            return SparseProbe(
                ProbeData(job.units.responses, rows[job.place]!), concept: job.place, ranking: job.ranking)
        }
        results = stride(from: 0, to: jobs.count, by: measured.count).flatMap { start -> [Result] in
            let (job, probes) = (jobs[start], found[start..<start + measured.count])
            return SparseProbe.sizes.compactMap { k in
                let trials = probes.compactMap { $0.trials.first { $0.k == k } }
                guard !trials.isEmpty else { return nil }
                let (qualities, ended) = (trials.map(\.quality), trials.compactMap(\.isCertain))
                return Result(
                    units: job.units.name, isControl: job.units.isControl, ranking: job.ranking, k: k,
                    accuracy: Estimate(meanOf: qualities.map(\.accuracy)), f1: Estimate(meanOf: qualities.map(\.f1)),
                    certain: ended.isEmpty ? nil : Double(ended.count { $0 }) / Double(ended.count))
            }
        }
        probes = zip(jobs, found).filter { $0.0.ranking == .meanDifference }.map {
            ClassProbe(units: $0.0.units.name, probe: $0.1)
        }
    }

    /// What a set of units reaches.
    public func result(_ units: String, _ ranking: UnitRanking, k: Int) -> Result? {
        results.first { $0.units == units && $0.ranking == ranking && $0.k == k }
    }
}

extension LabelledExamples {
    /// Of each class rows to probe on; nil where there are too few.
    var balancedRows: [BalancedRows?] {
        isInside.enumerated().map { BalancedRows(isInside: $1, isTest: isTest, seed: UInt64($0)) }
    }
}

extension ActivationProbe {
    func quality(_ x: Tensor, _ rows: BalancedRows) -> ProbeQuality {
        ProbeQuality(predicted: scores(x, rows: rows.test).map { $0 > 0 }, labels: rows.labels(rows.test))
    }
}

import PrismCore
import PrismFormats
import PrismMetrics
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct DetectionTallyTests {
    /// Codes of given active latents, each with the value 1.
    private func codes(_ rows: [[Int]]) -> SparseCodes {
        let codes = SparseCodes(rowCount: rows.count, slots: max(1, rows.map(\.count).max() ?? 0))
        for (t, row) in rows.enumerated() {
            codes.counts[t] = Int32(row.count)
            for (i, latent) in row.enumerated() {
                (codes.indices[t * codes.slots + i], codes.values[t * codes.slots + i]) = (Int32(latent), 1)
            }
        }
        return codes
    }

    @Test func countsByHand() {
        // Latents 0 and 1 stand for features 2 and 0, latent 2 for feature 0 as well but never fires.
        let tally = DetectionTally(
            codes([[0], [0, 1], [1], []]), truth: codes([[2], [0], [0, 2], [0]]), featureOfLatent: [2, 0, 0],
            featureCount: 3)
        let estimates = DetectionTally.estimates([tally])
        // Latent 0 fires twice, once rightly, of two occurrences: ½, ½. Latent 1 twice, both rightly, of three: 1, ⅔, ⅘.
        #expect(abs(estimates["precision"]!.value - 1.5 / 3) < 1e-12)
        #expect(abs(estimates["recall"]!.value - (0.5 + 2.0 / 3) / 3) < 1e-12)
        #expect(abs(estimates["f1"]!.value - (0.5 + 0.8) / 3) < 1e-12)
    }

    /// The naive twin: dense tables of what fires, over all vectors at once.
    @Test func talliesAddUpToTheWhole() {
        var generator = SeededGenerator(seed: 4, stream: "detection")
        let (vectors, latents, features) = (613, 23, 31)
        func random(_ count: Int, _ share: Float) -> [[Int]] {
            (0..<vectors).map { _ in (0..<count).filter { _ in generator.uniform() < share } }
        }
        let featureOfLatent = (0..<latents).map { _ in Int.random(in: 0..<features, using: &generator) }
        let truth = random(features, 0.2)
        // Half of the firings follow the feature.
        let active = random(latents, 0.05).enumerated().map { t, noise in
            (0..<latents).filter { noise.contains($0) || (truth[t].contains(featureOfLatent[$0]) && (t + $0) % 2 == 0) }
        }
        let tallies = stride(from: 0, to: vectors, by: 50).map { start in
            let rows = start..<min(start + 50, vectors)
            return DetectionTally(
                codes(Array(active[rows])), truth: codes(Array(truth[rows])), featureOfLatent: featureOfLatent,
                featureCount: features)
        }
        let estimates = DetectionTally.estimates(tallies)
        var (precision, recall, f1) = (0.0, 0.0, 0.0)
        for latent in 0..<latents {
            let fires = active.map { $0.contains(latent) }
            let occurs = truth.map { $0.contains(featureOfLatent[latent]) }
            let hits = Double(zip(fires, occurs).count { $0 && $1 })
            let (p, r) = (hits / Double(fires.count { $0 }), hits / Double(occurs.count { $0 }))
            precision += p / Double(latents)
            recall += r / Double(latents)
            f1 += 2 * p * r / (p + r) / Double(latents)
        }
        for (name, value) in [("precision", precision), ("recall", recall), ("f1", f1)] {
            let estimate = estimates[name]!
            #expect(abs(estimate.value - value) < 1e-9, "\(name)")
            #expect(estimate.low < value && value < estimate.high && estimate.high - estimate.low < 0.2, "\(name)")
        }
    }

    /// What SAELens finds for the same latents and features, in `FeatureMatching` too (Scripts/goldens).
    @Test(arguments: ["fewer", "more"]) func agreesWithSAELens(_ name: String) throws {
        let file = try SafetensorsFile(golden("PrismMetricsTests", "ground-truth.safetensors"))
        func rows(_ tensor: String) throws -> [[Int]] {
            let dense = try file.tensor("\(name).\(tensor)")
            return (0..<dense.rowCount).map { t in (0..<dense.rowWidth).filter { dense[t][$0] > 0 } }
        }
        let directions = try file.tensor("\(name).directions")
        let matching = FeatureMatching(
            decoder: try file.tensor("\(name).decoder"), directions: directions, workers: Workers(count: 1))
        let tally = DetectionTally(
            codes(try rows("latents")), truth: codes(try rows("truth")), featureOfLatent: matching.featureOfLatent,
            featureCount: directions.rowCount)
        let estimates = matching.estimates().merging(DetectionTally.estimates([tally])) { $1 }
        let expected = try file.tensor("\(name).expected").values
        for (metric, value) in zip(["mcc", "uniqueness", "precision", "recall", "f1"], expected) {
            // SAELens counts and averages in fp32.
            #expect(abs(estimates[metric]!.value - Double(value)) < 1e-6, "\(metric)")
        }
    }
}

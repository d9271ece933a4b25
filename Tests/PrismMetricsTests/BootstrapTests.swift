import Foundation
import PrismCore
import PrismMetrics
import PrismTensor
import Testing

@Suite struct BootstrapTests {
    /// Vectors of a context share a draw, so intervals that took vectors for independent would be far too narrow. Over
    /// many repetitions about 95% of the intervals hold the true figure. With 300 repetitions the share's standard
    /// deviation is 1.3 points; with 60 contexts a bootstrap interval holds the truth about 94 times in a hundred.
    @Test func intervalsHoldTheTruthAsOftenAsTheySay() {
        let (repetitions, contexts, vectors, width) = (300, 60, 6, 4)
        var covered: [String: Int] = [:]
        // x = 3 + normal in each dimension; e = normal · s with one s of ½ or 1½ for all of a context.
        let meanError = Double(width) * (0.25 + 2.25) / 2
        let truth = [
            "mse": meanError, "fvu": meanError / Double(width), "normalized_mse": meanError / (Double(width) * 10),
            "l0": 1.5,
        ]
        for repetition in 0..<repetitions {
            var generator = SeededGenerator(seed: UInt64(repetition), stream: "coverage")
            let tallies = (0..<contexts).map { _ in
                let scale: Float = generator.uniform() < 0.5 ? 0.5 : 1.5
                let active: Int32 = generator.uniform() < 0.5 ? 1 : 2
                let (x, out) = (Tensor(vectors, width), Tensor(vectors, width))
                let codes = SparseCodes(rowCount: vectors, slots: 2)
                for t in 0..<vectors {
                    codes.counts[t] = active
                    codes.indices[2 * t + 1] = 1
                }
                for i in 0..<x.count {
                    x.data[i] = 3 + generator.normal()
                    out.data[i] = x.data[i] + scale * generator.normal()
                }
                return ReconstructionTally(x, reconstruction: out, codes: codes)
            }
            let found = ReconstructionMetrics(tallies, latentCount: 2)
                .estimates(Bootstrap(contexts: contexts, seed: UInt64(repetition)))
            for (name, value) in truth where found[name]!.low <= value && value <= found[name]!.high {
                covered[name, default: 0] += 1
            }
        }
        for name in truth.keys.sorted() {
            let share = Double(covered[name] ?? 0) / Double(repetitions)
            #expect((0.90...0.985).contains(share), "\(name): \(share) of the intervals hold the truth")
        }
    }

    /// For a mean the bootstrap's standard deviation is s / √n in the limit of many resamples.
    @Test func halfWidthIsTheStandardErrorOfAMean() {
        var generator = SeededGenerator(seed: 5, stream: "mean")
        let values = (0..<200).map { _ in Double(generator.normal()) }
        let mean = values.reduce(0, +) / 200
        let error = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 200 / 200).squareRoot()
        let found = Bootstrap(contexts: 200, resamples: 4000).estimate { weights in
            zip(weights, values).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(weights.reduce(0, +))
        }
        #expect(abs(found.value - mean) < 1e-12)
        // The standard deviation over 4000 resamples is itself known to about 1.1%.
        #expect(abs((found.high - found.low) / 2 / (1.96 * error) - 1) < 0.05)
    }

    @Test func isTheSameEachTimeAndOfNothingIsNoNumber() {
        let statistic: ([Int]) -> Double = { Double($0[0]) / Double($0.reduce(0, +)) }
        #expect(Bootstrap(contexts: 9).estimate(statistic) == Bootstrap(contexts: 9).estimate(statistic))
        #expect(Bootstrap(contexts: 9, seed: 1).estimate(statistic) != Bootstrap(contexts: 9).estimate(statistic))
        let single = Bootstrap(contexts: 1).estimate(statistic)
        #expect(single.value == 1 && single.low.isNaN && single.high.isNaN)
    }

    @Test(arguments: [
        (0.814, 0.73, 0.89, "0.81 ± 0.08"), (1, 1, 1, "1.00"), (-0.001, .nan, .nan, "-0.00"), (.nan, .nan, .nan, "–"),
    ]) func estimatesArePrinted(value: Double, low: Double, high: Double, text: String) {
        #expect(Estimate(value: value, low: low, high: high).text("%.2f") == text)
    }

    @Test func percentagesArePrinted() {
        #expect(Estimate(value: -0.0, low: -0.025, high: 0.025).text("%.1f", scale: 100) == "0.0 ± 2.5")
    }
}

import Foundation
import PrismAtlas
import PrismCore
import PrismTensor
import Testing

/// The recorder against its naive twin, which keeps every firing.
@Suite struct LatentRecorderTests {
    /// Contexts with none, one, and many positions; one latent and many.
    static let shapes = [
        (latents: 1, contexts: 40, length: 9, active: 1), (latents: 7, contexts: 1, length: 1, active: 2),
        (latents: 97, contexts: 150, length: 33, active: 11), (latents: 300, contexts: 60, length: 128, active: 5),
    ]

    static func record(
        _ data: SyntheticActivations, examples: Int = 5, intervalExamples: Int = 3, seed: UInt64 = 1
    ) throws -> LatentRecorder {
        var recorder = LatentRecorder(
            latentCount: data.latentCount, exampleCount: examples, intervalExamples: intervalExamples, seed: seed)
        for (number, context) in data.contexts.enumerated() {
            _ = try recorder.add(
                context: number, tokens: context.tokens, source: context.document % 2, positions: context.positions,
                codes: SyntheticActivations.codes(context.rows))
        }
        return recorder
    }

    struct Firing {
        let context: Int
        let position: Int
        let value: Float
    }

    static func firings(_ data: SyntheticActivations) -> [[Firing]] {
        var all = [[Firing]](repeating: [], count: data.latentCount)
        for (number, context) in data.contexts.enumerated() {
            for (position, row) in zip(context.positions, context.rows) {
                for (latent, value) in row {
                    all[latent].append(Firing(context: number, position: position, value: value))
                }
            }
        }
        return all
    }

    @Test(arguments: shapes) func equalsNaiveTwin(shape: (latents: Int, contexts: Int, length: Int, active: Int)) throws
    {
        let data = SyntheticActivations(
            latents: shape.latents, contexts: shape.contexts, length: shape.length, active: shape.active)
        var recorder = try Self.record(data)
        for (latent, firings) in Self.firings(data).enumerated() {
            #expect(recorder.firings[latent] == firings.count)
            #expect(recorder.maxima[latent] == firings.map(\.value).max() ?? 0)
            #expect(abs(recorder.sums[latent] - firings.reduce(0) { $0 + Double($1.value) }) < 1e-6)
            #expect(recorder.firingsBySource.reduce(0) { $0 + $1[latent] } == firings.count)

            // Top: the strongest firing of each context, then the strongest of those.
            var best: [Int: Firing] = [:]
            for firing in firings where firing.value > best[firing.context]?.value ?? 0 {
                best[firing.context] = firing
            }
            let expected = best.values.sorted { ($1.value, $0.context) < ($0.value, $1.context) }.prefix(5)
            #expect(recorder.top[latent].map(\.context) == expected.map(\.context))
            #expect(recorder.top[latent].map { Int($0.position) } == expected.map(\.position))
            #expect(recorder.top[latent].map(\.value) == expected.map(\.value))

            let (counts, width) = recorder.histogram(latent)
            guard let max = firings.map(\.value).max() else { continue }
            #expect(Double(max) >= 8 * width && Double(max) < 16 * width)
            var naive = [Int](repeating: 0, count: 16)
            for firing in firings { naive[Int(Double(firing.value) / width)] += 1 }
            #expect(counts == naive)

            for (interval, examples) in recorder.intervals(latent).enumerated() {
                #expect(examples.count == min(3, counts[2 * interval] + counts[2 * interval + 1]))
                for example in examples {
                    #expect(Int(Double(example.value) / width) / 2 == interval)
                    #expect(example.token == data.contexts[example.context].tokens[Int(example.position)])
                    let trace = firings.filter { $0.context == example.context }
                    #expect(example.trace.map { Int($0.position) } == trace.map(\.position))
                    #expect(example.trace.map(\.value) == trace.map(\.value))
                }
                #expect(Set(examples.map { [$0.context, Int($0.position)] }).count == examples.count)
            }
        }
    }

    /// Values that make M double again and again, so that samples pass through several merges: each firing of an interval
    /// must still be equally likely to be drawn.
    @Test func intervalSamplesAreUniform() throws {
        // 60 firings in [0, 1) before the maximum rises to 7.5: all end in interval 0, which then holds 61 … 62.
        var values: [Float] = []
        for index in 0..<60 {
            let value = 0.012 * Float(1 + (index * 37) % 60)
            values.append(index < 20 ? value / 4 : value)
        }
        values += [1.6, 3.5, 7.5]
        let inInterval = values.filter { $0 < 1 }.count
        var drawn = [Int](repeating: 0, count: values.count)
        let rounds = 6000
        for seed in 0..<rounds {
            var recorder = LatentRecorder(latentCount: 1, exampleCount: 1, intervalExamples: 3, seed: UInt64(seed))
            _ = try recorder.add(
                context: 0, tokens: Array(repeating: 0, count: values.count), source: 0,
                positions: Array(values.indices),
                codes: SyntheticActivations.codes(values.map { [(0, $0)] }))
            for example in recorder.intervals(0)[0] { drawn[Int(example.position)] += 1 }
        }
        let expected = Double(rounds * 3) / Double(inInterval)
        let chiSquare = drawn.prefix(inInterval).reduce(0.0) { $0 + pow(Double($1) - expected, 2) / expected }
        #expect(drawn.dropFirst(inInterval).allSatisfy { $0 == 0 })
        // Mean 59, standard deviation 10.9 for 59 degrees of freedom; 110 is 4.7 deviations away.
        #expect(chiSquare < 110, "χ² = \(chiSquare)")
    }

    @Test func sameSeedSameExamples() throws {
        let data = SyntheticActivations(latents: 40, contexts: 80, length: 32, active: 6)
        var (a, b, c) = try (Self.record(data), Self.record(data), Self.record(data, seed: 2))
        func drawn(_ recorder: inout LatentRecorder) -> [[Int]] {
            var all: [[Int]] = []
            for latent in 0..<40 {
                all += recorder.intervals(latent).flatMap { $0 }.map { [$0.context, Int($0.position)] }
            }
            return all
        }
        let (first, second, other) = (drawn(&a), drawn(&b), drawn(&c))
        #expect(first == second)
        #expect(first != other)
    }

    @Test func refusesNumbersThatAreNone() throws {
        var recorder = LatentRecorder(latentCount: 2, exampleCount: 1, intervalExamples: 1, seed: 0)
        for bad in [Float.nan, .infinity] {
            #expect(throws: PrismError.self) {
                try recorder.add(
                    context: 0, tokens: [1], source: 0, positions: [0], codes: SyntheticActivations.codes([[(1, bad)]]))
            }
        }
        // Below zero is no firing; the refused contexts left nothing behind.
        _ = try recorder.add(
            context: 1, tokens: [1], source: 0, positions: [0], codes: SyntheticActivations.codes([[(0, -2), (1, 3)]]))
        #expect(recorder.firings == [0, 1])
    }

    /// Processor time of this thread: other work on the machine does not count.
    static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// The pass over 100,000 tokens with 32 active latents must take about a second on one core.
    @Test func keepsUpWithTheModel() throws {
        let length = 128
        let data = SyntheticActivations(latents: 4608, contexts: 200, length: length, active: 40)
        let codes = data.contexts.map { SyntheticActivations.codes($0.rows) }
        let firings = data.contexts.reduce(0) { $0 + $1.rows.reduce(0) { $0 + $1.count } }
        var recorder = LatentRecorder(latentCount: 4608, exampleCount: 20, intervalExamples: 3, seed: 0)
        let passes = 8
        let start = Self.threadSeconds()
        for pass in 0..<passes {
            for (number, context) in data.contexts.enumerated() {
                _ = try recorder.add(
                    context: pass * 200 + number, tokens: context.tokens, source: 0, positions: context.positions,
                    codes: codes[number])
            }
        }
        let seconds = Self.threadSeconds() - start
        let tokens = Double(passes * 200 * (length - 1))
        print("recorder: \(Int(tokens / seconds)) tokens/s, \(Int(Double(passes * firings) / seconds)) firings/s")
        #if !DEBUG
            #expect(Double(passes * firings) / seconds > 2e6)
        #endif
    }
}

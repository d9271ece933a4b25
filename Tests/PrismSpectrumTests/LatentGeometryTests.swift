import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@testable import PrismSpectrum

private typealias World = GeometryWorld

/// The pass and what follows from it, against plain loops over all vectors.
@Suite struct LatentGeometryTests {
    private static let width = 13
    private static let contexts = World.noise(530, width: width, seed: 1)

    /// Random latents of which each fires on some of the vectors; the last never does.
    private static func random(_ latents: Int, seed: UInt64) -> SparseDictionary {
        var generator = SeededGenerator(seed: seed, stream: "test dictionary")
        let directions = (0..<latents).map { _ in World.random(width, &generator) }
        let thresholds = (0..<latents).map { $0 == latents - 1 ? 1e3 : 0.2 + generator.uniform() }
        return World.dictionary(directions, thresholds: thresholds)
    }

    private static func pearson(_ a: [Double], _ b: [Double]) -> Double {
        let (meanA, meanB) = (a.reduce(0, +) / Double(a.count), b.reduce(0, +) / Double(b.count))
        let product = zip(a, b).reduce(0) { $0 + ($1.0 - meanA) * ($1.1 - meanB) }
        let squares = (
            a.reduce(0) { $0 + ($1 - meanA) * ($1 - meanA) }, b.reduce(0) { $0 + ($1 - meanB) * ($1 - meanB) }
        )
        return squares.0 * squares.1 > 0 ? product / (squares.0 * squares.1).squareRoot() : 0
    }

    private static func column(_ rows: [[Double]], _ place: Int) -> [Double] { rows.map { $0[place] } }

    /// Sums of a few hundred products in single precision.
    private static let precision = 1e-5

    @Test func bestNeuronsAreThoseOfAPlainLoop() throws {
        let dictionary = Self.random(37, seed: 2)
        let geometry = try World.geometry(dictionary, Self.contexts)
        let activations = World.activations(dictionary, Self.contexts)
        let neurons = Self.contexts.flatMap { context in
            (0..<context.x.rowCount).map { t in (0..<Self.width).map { Double(context.x[t][$0]) } }
        }
        for latent in 0..<dictionary.latentCount {
            let own = Self.column(activations, latent)
            let found = geometry.latents[latent].bestNeuron
            #expect((found != nil) == (own.count { $0 > 0 } >= UnitMetrics.leastFirings))
            guard let found else { continue }
            let all = (0..<Self.width).map { Self.pearson(own, Self.column(neurons, $0)) }
            #expect(abs(found.correlation - all[found.neuron]) < Self.precision)
            #expect(abs(found.correlation) > all.map(abs).max()! - Self.precision)
        }
        #expect(geometry.latents.count { $0.bestNeuron != nil } > 20)
    }

    @Test func coactivationIsThatOfDirectCounting() throws {
        let dictionary = Self.random(37, seed: 3)
        let geometry = try World.geometry(dictionary, Self.contexts)
        let fires = World.activations(dictionary, Self.contexts).map { $0.map { $0 > 0 } }
        let n = Double(fires.count)
        func share(_ condition: ([Bool]) -> Bool) -> Double { Double(fires.count(where: condition)) / n }
        var checked = 0
        for latent in geometry.latents {
            let i = latent.latent
            #expect(latent.density == share { $0[i] })
            for other in latent.nearest + latent.companions {
                let j = other.latent
                let together = try #require(other.coactivation)
                #expect(together.joint == fires.count { $0[i] && $0[j] })
                let lift = share { $0[i] && $0[j] } / (share { $0[i] } * share { $0[j] })
                #expect(abs(together.lift - lift) < 1e-12 * max(1, lift))
                let indicators = (fires.map { $0[i] ? 1.0 : 0 }, fires.map { $0[j] ? 1.0 : 0 })
                #expect(abs(together.correlation - Self.pearson(indicators.0, indicators.1)) < 1e-9)
                checked += 1
            }
            let measures = latent.companions.map { $0.coactivation!.correlation }
            #expect(measures == measures.sorted(by: >))
        }
        #expect(checked > 300)
        #expect(geometry.latents.last!.nearest.isEmpty && geometry.latents.last!.companions.isEmpty)
    }

    @Test func partnersAreThoseOfAPlainLoop() throws {
        let (own, other) = (Self.random(37, seed: 4), Self.random(29, seed: 5))
        let comparison = try #require(
            World.geometry(own, Self.contexts, compared: other, sharesSpace: false).comparison)
        #expect(comparison.byDirection == nil && comparison.splitting == nil)
        let (a, b) = (World.activations(own, Self.contexts), World.activations(other, Self.contexts))
        func check(_ partners: [LatentMatching.Partner?], _ a: [[Double]], _ b: [[Double]]) {
            let isMeasured = b[0].indices.map { j in b.count { $0[j] > 0 } >= UnitMetrics.leastFirings }
            for (i, partner) in partners.enumerated() {
                let values = Self.column(a, i)
                #expect((partner != nil) == (values.count { $0 > 0 } >= UnitMetrics.leastFirings))
                guard let partner else { continue }
                let all = isMeasured.indices.map { isMeasured[$0] ? Self.pearson(values, Self.column(b, $0)) : -1 }
                #expect(abs(partner.similarity - all[partner.latent]) < Self.precision)
                #expect(partner.similarity > all.max()! - Self.precision)
            }
        }
        check(comparison.byActivation.partners, a, b)
        check(comparison.byActivation.otherPartners, b, a)
    }

    @Test func theSameLatentsInAnotherOrderAreMatched() throws {
        let own = Self.random(24, seed: 6)
        let order = (0..<24).map { ($0 * 7 + 3) % 24 }
        let other = SparseDictionary(
            encoder: own.encoder.gathered(order),
            encoderBias: Tensor(shape: [24], order.map { own.encoderBias.data[$0] }),
            decoder: own.decoder.gathered(order), decoderBias: own.decoderBias, activation: .relu, centresInput: false)
        let comparison = try #require(World.geometry(own, Self.contexts, compared: other).comparison)
        for matching in [comparison.byActivation, comparison.byDirection!] {
            #expect(matching.partners.compactMap(\.self).count > 12)
            for (latent, partner) in matching.partners.enumerated() {
                guard let partner else { continue }
                #expect(order[partner.latent] == latent)
                #expect(abs(partner.similarity - 1) < Self.precision)
            }
            #expect(matching.mutualShare == 1 && matching.closeShare == 1)
        }
        #expect(comparison.splitting == nil)
    }

    @Test func threadsChangeNoByte() throws {
        let (own, other) = (Self.random(70, seed: 7), Self.random(90, seed: 8))
        let results = try [1, 2].map { count in
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            return try encoder.encode(
                World.geometry(own, Self.contexts, compared: other, workers: Workers(count: count)))
        }
        #expect(results[0] == results[1])
    }

    @Test func tooManyPairsAreRefused() throws {
        // 16,385² pairs are more than are kept; of one number each, so that the dictionary itself is small.
        let wide = World.dictionary((0..<16_385).map { _ in [1] })
        let error = #expect(throws: PrismError.self) {
            try GeometryBuilder(
                wide, mean: [0], compared: ComparedDictionary(name: "other", wide, sharesSpace: true),
                workers: Workers(count: 2))
        }
        #expect("\(try #require(error))".contains("compare narrower ones"))
    }
}

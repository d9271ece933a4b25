import PrismDictionaries
import PrismMetrics
import PrismTensor

/// Where a dictionary's error comes from: its fraction of variance unexplained, split into parts that add up to it.
///
/// Each part is what the error loses by one more mend, on vectors that none of the mends was fitted on:
///
/// 1. **absent features** (only where the truth is known): what features without a latent put into the vectors is taken
///    away from what is to be reconstructed;
/// 2. **shrinkage**: every latent is rescaled by its best factor (`LatentScales`);
/// 3. **amortisation**: the encoder's codes give way to those that orthogonal matching pursuit finds with the same decoder,
///    at the same mean L0;
/// 4. **linearly predictable**: the error that is left is predicted from x by the best affine map;
/// 5. the **remainder**.
///
/// The encoder's faults come before the linear part, which else would take them on itself. A part may be negative where a
/// mend does harm.
public struct ErrorLedger: Codable, Sendable {
    public struct Part: Codable, Hashable, Sendable {
        public let name: String
        /// Of the variance of the vectors.
        public let share: Estimate
    }

    /// A feature without a latent.
    public struct AbsentFeature: Codable, Hashable, Sendable {
        public let feature: Int
        /// What the vectors' variance loses without it, as a share of it.
        public let share: Double
        /// Its largest |cos| to a latent.
        public let nearest: Float
    }

    /// What is predictable of the error (Engels et al. 2024, dark matter), e = x − x̂.
    public struct DarkMatter: Codable, Hashable, Sendable {
        /// R² of the best affine prediction of e from x.
        public let errorFromInput: Estimate
        /// The same of ‖e‖².
        public let normFromInput: Estimate
        /// Share of the variance that x̂ and an affine map of x together leave: 1 − R²(x, x̂ + Bx).
        public let nonlinearFVU: Estimate
    }

    public let fvu: Estimate
    public let parts: [Part]
    public let darkMatter: DarkMatter
    /// Largest first; nil where the truth is not known.
    public let absent: [AbsentFeature]?

    /// What is known of absent features: their part in the vectors, [rows, width], and what each is.
    struct Absence {
        let fit, test: Tensor
        let features: [AbsentFeature]
    }

    /// - fit: vectors that the mends are fitted on, test: those that they are measured on, [rows, width]. contexts: ranges of
    ///   rows of test that are resampled together.
    init(
        of dictionary: SparseDictionary, fit: Tensor, test: Tensor, contexts: [Range<Int>], absence: Absence? = nil,
        workers: Workers
    ) throws {
        let codes = (fit: dictionary.encode(fit, workers: workers), test: dictionary.encode(test, workers: workers))
        func error(_ codes: SparseCodes, _ x: Tensor, _ target: Tensor) -> Tensor {
            let output = Tensor(x.rowCount, dictionary.outputWidth)
            dictionary.decode(codes, of: x, into: output, workers: workers)
            return target.minus(output)
        }
        let first = (fit: error(codes.fit, fit, fit), test: error(codes.test, test, test))
        let target = absence.map { (fit: fit.minus($0.fit), test: test.minus($0.test)) } ?? (fit: fit, test: test)
        var stages = [("", first.test)]
        if absence != nil { stages.append(("absent features", error(codes.test, test, target.test))) }

        let scales = LatentScales(
            codes.fit, dictionary.decoder, residual: error(codes.fit, fit, target.fit), workers: workers)
        stages.append(("shrinkage", error(scales.scaling(codes.test), test, target.test)))

        let k = max(1, (codes.test.entryCount + test.rowCount / 2) / max(1, test.rowCount))
        let best = try dictionary.encode(
            Tensor(joining: [fit, test]), by: .orthogonalMatchingPursuit(k: k),
            target: Tensor(joining: [target.fit, target.test]), workers: workers)
        let left = (
            fit: error(best.rows(0..<fit.rowCount), fit, target.fit),
            test: error(best.rows(fit.rowCount..<best.rowCount), test, target.test)
        )
        stages.append(("amortisation", left.test))
        let norms = (fit: first.fit.squaredNorms, test: first.test.squaredNorms)
        let predictions = LinearMap.maps(from: fit, to: [left.fit, first.fit, norms.fit], workers: workers)
            .map { $0(test) }
        stages.append(("linearly predictable", left.test.minus(predictions[0])))

        let bootstrap = Bootstrap(contexts: contexts.count)
        let spread = ContextSums(test.minus(row: test.columnMeans), contexts)
        let errors = stages.map { ContextSums($0.1, contexts) }
        fvu = bootstrap.ratio(errors[0], spread)
        var parts = zip(stages.indices, stages.indices.dropFirst()).map { before, after in
            Part(name: stages[after].0, share: bootstrap.ratio(errors[before] - errors[after], spread))
        }
        parts.append(Part(name: "remainder", share: bootstrap.ratio(errors[errors.count - 1], spread)))
        self.parts = parts
        func sums(_ rows: Tensor) -> ContextSums { ContextSums(rows, contexts) }
        func r2(_ to: Tensor, _ prediction: Tensor) -> Estimate {
            let around = sums(to.minus(row: to.columnMeans))
            return bootstrap.ratio(around - sums(to.minus(prediction)), around)
        }
        darkMatter = DarkMatter(
            errorFromInput: r2(first.test, predictions[1]), normFromInput: r2(norms.test, predictions[2]),
            nonlinearFVU: bootstrap.ratio(sums(first.test.minus(predictions[1])), spread))
        absent = absence?.features.sorted { $0.share > $1.share }
    }
}

/// Σ‖row‖² of each context.
private struct ContextSums {
    let values: [Double]

    init(_ rows: Tensor, _ contexts: [Range<Int>]) {
        values = contexts.map { range in
            range.reduce(0.0) { $0 + Double(rows.norm(ofRow: $1)) * Double(rows.norm(ofRow: $1)) }
        }
    }

    private init(_ values: [Double]) { self.values = values }

    static func - (a: ContextSums, b: ContextSums) -> ContextSums { ContextSums(zip(a.values, b.values).map(-)) }
}

extension Bootstrap {
    fileprivate func ratio(_ over: ContextSums, _ under: ContextSums) -> Estimate {
        func sum(_ sums: ContextSums, _ weights: [Int]) -> Double {
            zip(sums.values, weights).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        return estimate { sum(over, $0) / sum(under, $0) }
    }
}

extension Tensor {
    /// [rows, 1].
    fileprivate var squaredNorms: Tensor {
        Tensor(shape: [rowCount, 1], (0..<rowCount).map { norm(ofRow: $0) * norm(ofRow: $0) })
    }
}

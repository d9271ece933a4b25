import PrismDictionaries
import PrismTensor

/// What a dictionary loses because its encoder finds codes in one step: the part of its error that better codes with the
/// same decoder would take away.
///
///     gap = FVU(encoder's code) − FVU(coder's code),   FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖²
///
/// Compare at equal L0; it is given beside.
public struct AmortisationGap: Sendable {
    /// Mean number of active latents, and the fraction of variance unexplained.
    public struct Fit: Codable, Hashable, Sendable {
        public let l0, fvu: Double
    }

    public let encoder, coder: Fit
    /// The coder's codes.
    public let codes: SparseCodes

    public var fvu: Double { encoder.fvu - coder.fvu }

    /// - x: activations, [rows, width]. target: what the dictionary is to give; nil for x itself.
    public init(
        of dictionary: SparseDictionary, on x: Tensor, target: Tensor? = nil, by coder: SparseCoder, workers: Workers
    ) throws {
        codes = try dictionary.encode(x, by: coder, target: target, workers: workers)
        func fit(_ codes: SparseCodes) -> Fit {
            let output = Tensor(x.rowCount, dictionary.outputWidth)
            dictionary.decode(codes, of: x, into: output, workers: workers)
            let tally = ReconstructionTally(target ?? x, reconstruction: output, codes: codes)
            let metrics = ReconstructionMetrics([tally], latentCount: dictionary.latentCount)
                .estimates(Bootstrap(contexts: 1, resamples: 1))
            return Fit(l0: metrics["l0"]!.value, fvu: metrics["fvu"]!.value)
        }
        encoder = fit(dictionary.encode(x, workers: workers))
        self.coder = fit(codes)
    }
}

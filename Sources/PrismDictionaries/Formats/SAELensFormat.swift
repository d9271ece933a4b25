import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A dictionary in a folder, as SAELens ≥ 6 lays it out, so that it opens there and SAELens's open here:
///
///     cfg.json                  architecture, d_in = d, d_sae = F, k of TopK, d_out of transcoders, metadata
///     sae_weights.safetensors   W_enc [d, F] (ours is [F, d]), W_dec [F, d_out], b_dec [d_out], and [F] each:
///                               b_enc; of JumpReLU also threshold; of gated instead b_gate, b_mag, r_mag;
///                               of skip transcoders W_skip [d_out, d]; of matching pursuit only W_dec and b_dec
///     sparsity.safetensors      optional: sparsity [F] = log₁₀ of the share of tokens on which a latent fires
struct SAELensFormat: DictionaryFormat {
    let name = "saelens"
    let configurationName: String? = SAELensConfiguration.name
    let weightsName = "sae_weights.safetensors"
    let marks = "cfg.json with ‘architecture’ and ‘d_sae’ beside sae_weights.safetensors"
    let limits = FormatLimits(
        activations: [.topK, .relu, .jumpReLU, .gated, .matchingPursuit], skips: true, changesWidth: true,
        standardises: true)
    private static let sparsityName = "sparsity.safetensors"

    func recognises(_ files: DictionaryFiles) -> Bool {
        guard let json = files.configuration(configurationName) else { return false }
        return json["architecture"] != nil || json["d_sae"] != nil
    }

    // MARK: Reading

    func read(_ files: DictionaryFiles) throws -> (dictionary: SparseDictionary, metadata: SAELensMetadata) {
        let configuration = try SAELensConfiguration(files.requiredConfiguration(SAELensConfiguration.name))
        let (latents, architecture) = (configuration.latents, configuration.architecture)
        let tensors = try StrictTensors(
            files.requiredWeights(weightsName), kind: architecture.rawValue,
            architecture.shapes(
                width: configuration.width, outputWidth: configuration.outputWidth, latents: latents),
            // The average threshold is kept in double precision, whatever the weights are.
            types: architecture.hasOneThreshold ? [configuration.elementType, .f64] : [configuration.elementType],
            hint: " as \(SAELensConfiguration.name) says")
        if architecture == .matchingPursuit {
            let (decoder, decoderBias) = (try tensors("W_dec"), try tensors("b_dec"))
            let dictionary = SparseDictionary(
                encoder: decoder, encoderBias: Tensor(latents), decoder: decoder,
                // SAELens adds it only where it was subtracted.
                decoderBias: configuration.subtractsDecoderBias ? decoderBias : Tensor(configuration.width),
                activation: .matchingPursuit(configuration.k!, end: configuration.pursuitEnd),
                standardisesInput: configuration.standardisesInput)
            return (dictionary, configuration.metadata)
        }
        let encoder = try tensors("W_enc").transposed()
        var (encoderBias, decoder) = (
            try tensors(architecture == .gated ? "b_gate" : "b_enc"), try tensors("W_dec")
        )
        let activation: LatentActivation
        if architecture.hasThresholds {
            activation = .rectified(thresholds: try tensors("threshold"))
        } else if architecture.hasOneThreshold {
            let threshold = try tensors("topk_threshold").values[0]
            activation = .rectified(
                thresholds: Tensor(shape: [latents], [Float](repeating: threshold, count: latents)))
        } else if architecture == .gated {
            activation = .gated(logScale: try tensors("r_mag"), bias: try tensors("b_mag"))
        } else {
            activation = configuration.k.map { .topK($0) } ?? .relu
        }
        if configuration.rescalesByDecoderNorm {
            // z = TopK(n ⊙ (W x + b)), x̂ = (z / n) W_dec: n goes into the rows.
            (encoderBias, decoder) = (encoderBias.copy(), decoder.copy())
            decoder.scaleRowsToUnit { i, norm in
                encoderBias.data[i] *= norm
                for c in 0..<encoder.rowWidth { encoder[i][c] *= norm }
            }
        }
        let dictionary = SparseDictionary(
            encoder: encoder, encoderBias: encoderBias, decoder: decoder, decoderBias: try tensors("b_dec"),
            activation: activation, centresInput: configuration.subtractsDecoderBias,
            skip: architecture.skips ? try tensors("W_skip") : nil, standardisesInput: configuration.standardisesInput)
        return (dictionary, configuration.metadata)
    }

    // MARK: Writing

    func write(_ dictionary: SparseDictionary, _ metadata: SAELensMetadata, to url: URL) throws {
        guard try !architecture(of: dictionary, metadata).isPrismsOwn else {
            throw PrismError.usage(
                "\(name) has no place for TopK transcoders, SAELens would not open it; choose another format")
        }
        try write(dictionary, metadata, frequencies: nil, to: url)
    }

    /// - frequencies: the share of tokens on which each latent fires, [latents]; nil where nobody measured it.
    func write(_ source: SparseDictionary, _ metadata: SAELensMetadata, frequencies: [Double]?, to folder: URL) throws {
        precondition(frequencies == nil || frequencies!.count == source.latentCount)
        let architecture = try architecture(of: source, metadata)
        // A transcoder never subtracts b_dec.
        let dictionary = architecture.isTranscoder ? source.centred(false) : source
        let pursuit: (k: Int, end: PursuitEnd)? =
            if case .matchingPursuit(let k, let end) = dictionary.activation { (k, end) } else { nil }
        let configuration = WrittenConfiguration(
            architecture: architecture.rawValue, dIn: dictionary.width, dSae: dictionary.latentCount,
            dOut: architecture.isTranscoder ? dictionary.outputWidth : nil, k: dictionary.activation.k,
            maxIterations: pursuit?.k, residualThreshold: pursuit?.end.residual,
            stopOnDuplicateSupport: pursuit?.end.onRepeat,
            rescaleActsByDecoderNorm: architecture == .topk ? false : nil,
            applyBDecToInput: dictionary.centresInput,
            normalizeActivations: dictionary.standardisesInput ? "layer_norm" : "none", metadata: metadata)
        let writer = FolderWriter(
            configuration: SAELensConfiguration.name, weights: weightsName, optional: [Self.sparsityName])
        try writer.write(to: folder, configuration) { partial in
            try weights(of: dictionary, architecture).write(to: partial.appending(path: weightsName))
            if let frequencies {
                var sparsity = SafetensorsWriter()
                // SAELens adds the same 1e-10, so that a latent that never fires has a finite logarithm.
                let logarithms = frequencies.map { Float(log10($0 + 1e-10)) }
                sparsity.add("sparsity", Tensor(shape: [logarithms.count], logarithms))
                try sparsity.write(to: partial.appending(path: Self.sparsityName))
            }
        }
    }

    private func architecture(of dictionary: SparseDictionary, _ metadata: SAELensMetadata) throws
        -> SAELensConfiguration.Architecture
    {
        let changesWidth = dictionary.width != dictionary.outputWidth
        let skips = dictionary.skip != nil
        // With equal widths, only the name of the output's hook point tells a transcoder from an autoencoder.
        let mayTranscode = changesWidth || skips || metadata.outputHookName != nil
        switch dictionary.activation {
        case .relu where mayTranscode && !dictionary.standardisesInput: return skips ? .skipTranscoder : .transcoder
        case .jumpReLU where mayTranscode && !dictionary.standardisesInput:
            return skips ? .jumpreluSkipTranscoder : .jumpreluTranscoder
        case .topK where mayTranscode && !dictionary.standardisesInput:
            return skips ? .topkSkipTranscoder : .topkTranscoder
        case _ where changesWidth || skips:
            let reason = dictionary.standardisesInput ? "inputs that are standardised one by one" : "transcoders"
            throw PrismError.usage(
                "\(name) has no place for \(reason) with \(dictionary.activation.kind.rawValue) and "
                    + "\(skips ? "a skip connection" : "outputs of another width"); choose another format")
        case .matchingPursuit where !dictionary.centresInput && dictionary.decoderBias.values.contains { $0 != 0 }:
            throw PrismError.usage(
                "\(name) has no place for a pursuit that adds b_dec without subtracting it; choose another format")
        case .topK: return .topk
        case .relu: return .standard
        case .jumpReLU: return .jumprelu
        case .gated: return .gated
        case .matchingPursuit: return .matchingPursuit
        }
    }

    private func weights(of dictionary: SparseDictionary, _ architecture: SAELensConfiguration.Architecture)
        -> SafetensorsWriter
    {
        var weights = SafetensorsWriter()
        if architecture == .matchingPursuit {
            weights.add("W_dec", dictionary.decoder)
            weights.add("b_dec", dictionary.decoderBias)
            return weights
        }
        weights.add("W_enc", .f32, shape: [dictionary.width, dictionary.latentCount]) { output in
            // Sixteen columns at a time, a cache line of each row: the whole transposed matrix is never in memory.
            let (encoder, latents) = (dictionary.encoder, dictionary.latentCount)
            let stripe = Tensor(16, latents)
            for first in stride(from: 0, to: dictionary.width, by: 16) {
                let columns = min(16, dictionary.width - first)
                for latent in 0..<latents {
                    for c in 0..<columns { stripe[c][latent] = encoder[latent][first + c] }
                }
                try output.write(UnsafeRawBufferPointer(start: stripe.data, count: 4 * columns * latents))
            }
        }
        weights.add("W_dec", dictionary.decoder)
        weights.add("b_dec", dictionary.decoderBias)
        weights.add(architecture == .gated ? "b_gate" : "b_enc", dictionary.encoderBias)
        switch dictionary.activation {
        case .topK, .relu, .matchingPursuit: break
        case .jumpReLU(let thresholds): weights.add("threshold", thresholds)
        case .gated(let logScale, let bias):
            weights.add("r_mag", logScale)
            weights.add("b_mag", bias)
        }
        if let skip = dictionary.skip { weights.add("W_skip", skip) }
        return weights
    }

    /// `cfg.json`; the keys are these names in snake case.
    private struct WrittenConfiguration: Encodable {
        let architecture: String
        let dIn, dSae: Int
        let dOut, k, maxIterations: Int?
        let residualThreshold: Float?
        let stopOnDuplicateSupport: Bool?
        let rescaleActsByDecoderNorm: Bool?
        let dtype = "float32"
        let device = "cpu"
        let applyBDecToInput: Bool
        let normalizeActivations: String
        let reshapeActivations = "none"
        let metadata: SAELensMetadata
    }
}

extension SparseDictionary {
    /// Writes the folder as SAELens lays it out (see `SAELensFormat`), in place of a dictionary that may be there. Equal
    /// dictionaries give equal bytes.
    /// - frequencies: the share of tokens on which each latent fires, [latents]; nil where nobody measured it.
    /// - Throws: `PrismError.runFailed` if the folder cannot be written; what was there is then still whole.
    public func save(to folder: URL, metadata: SAELensMetadata = SAELensMetadata(), frequencies: [Double]? = nil) throws
    {
        let format = SAELensFormat()
        try format.limits.check(self, for: format.name)
        try format.write(self, metadata, frequencies: frequencies, to: folder)
    }
}

extension Tensor {
    /// Divides each row by its norm, at least 10⁻⁸, in place. - body: takes a row's index and its norm.
    func scaleRowsToUnit(_ body: (_ row: Int, _ norm: Float) -> Void) {
        for i in 0..<rowCount {
            let (row, norm) = (self[i], self.norm(ofRow: i))
            for c in 0..<rowWidth { row[c] /= max(norm, 1e-8) }
            body(i, norm)
        }
    }
}

import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A dictionary in a folder, as SAELens ≥ 6 lays it out, so that it opens there and SAELens's open here:
///
///     cfg.json                  architecture, d_in = d, d_sae = F, k of TopK, metadata
///     sae_weights.safetensors   W_enc [d, F] (ours is [F, d]), W_dec [F, d], b_dec [d], and [F] each:
///                               b_enc; of JumpReLU also threshold; of gated instead b_gate, b_mag, r_mag
///     sparsity.safetensors      optional: sparsity [F] = log₁₀ of the share of tokens on which a latent fires
extension SparseDictionary {
    private static let weightsName = "sae_weights.safetensors"
    private static let sparsityName = "sparsity.safetensors"

    // MARK: Writing

    /// Writes the folder, in place of a dictionary that may be there. `cfg.json` comes last and goes first, so that a
    /// reader finds one whole dictionary or none. Equal dictionaries give equal bytes.
    /// - frequencies: the share of tokens on which each latent fires, [latents]; nil where nobody measured it.
    /// - Throws: `PrismError.runFailed` if the folder cannot be written; what was there is then still whole.
    public func save(to folder: URL, metadata: SAELensMetadata = SAELensMetadata(), frequencies: [Double]? = nil) throws
    {
        precondition(frequencies == nil || frequencies!.count == latentCount)
        let files = FileManager.default
        let partial = folder.appending(path: ".partial")
        do {
            try? files.removeItem(at: partial)
            try files.createDirectory(at: partial, withIntermediateDirectories: true)
        } catch {
            throw PrismError.runFailed(
                "cannot create \(partial.path): \(Files.reason(error)); choose another place")
        }
        defer { try? files.removeItem(at: partial) }

        var weights = SafetensorsWriter()
        weights.add("W_enc", .f32, shape: [width, latentCount], body: writeTransposedEncoder)
        weights.add("W_dec", decoder)
        weights.add("b_dec", decoderBias)
        let architecture: SAELensConfiguration.Architecture
        switch activation {
        case .topK: architecture = .topk
        case .relu: architecture = .standard
        case .jumpReLU(let thresholds):
            architecture = .jumprelu
            weights.add("threshold", thresholds)
        case .gated(let logScale, let bias):
            architecture = .gated
            weights.add("r_mag", logScale)
            weights.add("b_mag", bias)
        }
        weights.add(architecture == .gated ? "b_gate" : "b_enc", encoderBias)
        try weights.write(to: partial.appending(path: Self.weightsName))
        if let frequencies {
            var sparsity = SafetensorsWriter()
            // SAELens adds the same 1e-10, so that a latent that never fires has a finite logarithm.
            let logarithms = frequencies.map { Float(log10($0 + 1e-10)) }
            sparsity.add("sparsity", Tensor(shape: [latentCount], logarithms))
            try sparsity.write(to: partial.appending(path: Self.sparsityName))
        }
        let configuration = WrittenConfiguration(
            architecture: architecture.rawValue, dIn: width, dSae: latentCount, k: activation.k,
            rescaleActsByDecoderNorm: activation.k == nil ? nil : false, applyBDecToInput: centresInput,
            metadata: metadata)
        let encoder = JSONEncoder.prism
        encoder.keyEncodingStrategy = .convertToSnakeCase
        let configurationName = SAELensConfiguration.name
        try Files.writeAtomically(encoder.encode(configuration), to: partial.appending(path: configurationName))

        for name in [configurationName, Self.sparsityName] { try? files.removeItem(at: folder.appending(path: name)) }
        for name in [Self.weightsName, Self.sparsityName, configurationName] {
            let (source, target) = (partial.appending(path: name).path, folder.appending(path: name).path)
            guard rename(source, target) == 0 || errno == ENOENT && name == Self.sparsityName else {
                throw PrismError.runFailed("cannot write \(target): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// `cfg.json`; the keys are these names in snake case.
    private struct WrittenConfiguration: Encodable {
        let architecture: String
        let dIn, dSae: Int
        let k: Int?
        let rescaleActsByDecoderNorm: Bool?
        let dtype = "float32"
        let device = "cpu"
        let applyBDecToInput: Bool
        let normalizeActivations = "none"
        let reshapeActivations = "none"
        let metadata: SAELensMetadata
    }

    /// Sixteen columns at a time, a cache line of each row: the whole transposed matrix is never in memory.
    private func writeTransposedEncoder(_ output: SafetensorsWriter.Output) throws {
        let stripe = Tensor(16, latentCount)
        for first in stride(from: 0, to: width, by: 16) {
            let columns = min(16, width - first)
            for latent in 0..<latentCount {
                for c in 0..<columns { stripe[c][latent] = encoder[latent][first + c] }
            }
            try output.write(UnsafeRawBufferPointer(start: stripe.data, count: 4 * columns * latentCount))
        }
    }

    // MARK: Reading

    /// Reads a folder that `save` or SAELens wrote. Latents and reconstructions are SAELens's: where its configuration
    /// asks for steps that Prism's equation does not have, they are folded into the weights.
    /// - Throws: `PrismError` that names the file, the key or tensor, what was expected and what was found.
    public init(loading folder: URL, backend: any Backend = CPUBackend(), precision: Precision = .fp32) throws {
        let configuration = try SAELensConfiguration(folder)
        let (width, latents) = (configuration.width, configuration.latents)
        let file = try SafetensorsFile(folder.appending(path: Self.weightsName))
        let shapes = configuration.architecture.shapes(width: width, latents: latents)
        let path = folder.appending(path: Self.weightsName).path
        if let surplus = file.names.first(where: { shapes[$0] == nil }) {
            throw PrismError.badData(
                "\(path): tensor ‘\(surplus)’ does not belong to a \(configuration.architecture.rawValue) dictionary, "
                    + "expected only \(shapes.keys.sorted().joined(separator: ", ")); "
                    + "correct ‘architecture’ in \(SAELensConfiguration.name) or write the folder again")
        }
        func tensor(_ name: String) throws -> Tensor {
            let tensor = try file.tensor(name, shape: shapes[name])
            let (found, expected) = (file.tensors[name]!.dtype, configuration.elementType)
            guard found == expected else {
                throw PrismError.badData(
                    "\(path): tensor ‘\(name)’ has dtype \(found.rawValue), expected \(expected.rawValue) as "
                        + "\(SAELensConfiguration.name) says; correct ‘dtype’ there or write the folder again")
            }
            if let place = (0..<tensor.count).first(where: { !tensor.data[$0].isFinite }) {
                throw PrismError.badData(
                    "\(path): tensor ‘\(name)’ holds \(tensor.data[place]) at place \(place), expected finite numbers; "
                        + "the training diverged or the file is damaged")
            }
            return tensor
        }
        let encoder = try tensor("W_enc").transposed()
        var (encoderBias, decoder) = (
            try tensor(configuration.architecture == .gated ? "b_gate" : "b_enc"), try tensor("W_dec")
        )
        let activation: LatentActivation =
            switch configuration.architecture {
            case .standard: .relu
            case .topk: .topK(configuration.k!)
            case .jumprelu: .jumpReLU(thresholds: try tensor("threshold"))
            case .gated: .gated(logScale: try tensor("r_mag"), bias: try tensor("b_mag"))
            }
        if configuration.rescalesByDecoderNorm {
            // z = TopK(n ⊙ (W x + b)), x̂ = (z / n) W_dec: n goes into the rows.
            (encoderBias, decoder) = (encoderBias.copy(), decoder.copy())
            for i in 0..<latents {
                let norm = Float((0..<width).reduce(0.0) { $0 + pow(Double(decoder[i][$1]), 2) }.squareRoot())
                encoderBias.data[i] *= norm
                for c in 0..<width {
                    encoder[i][c] *= norm
                    decoder[i][c] /= max(norm, 1e-8)
                }
            }
        }
        self.init(
            encoder: encoder, encoderBias: encoderBias, decoder: decoder, decoderBias: try tensor("b_dec"),
            activation: activation, centresInput: configuration.subtractsDecoderBias, backend: backend,
            precision: precision)
    }
}

extension Tensor {
    /// A matrix with rows and columns exchanged, in blocks that fit the first-level cache.
    fileprivate func transposed() -> Tensor {
        let result = Tensor(rowWidth, rowCount)
        for r0 in stride(from: 0, to: rowCount, by: 32) {
            for c0 in stride(from: 0, to: rowWidth, by: 32) {
                for c in c0..<min(c0 + 32, rowWidth) {
                    for r in r0..<min(r0 + 32, rowCount) { result[c][r] = self[r][c] }
                }
            }
        }
        return result
    }
}

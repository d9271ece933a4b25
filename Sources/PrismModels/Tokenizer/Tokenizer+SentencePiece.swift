import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// The tokenizer of a SentencePiece model file (`tokenizer.model`): BPE or unigram, with or without byte fall-back.
    ///
    /// Control pieces such as `<s>` count as special tokens, the pieces that a user defined as other added tokens. Where
    /// sentencepiece decodes the unknown token to ⁇, this gives its name. A model of BPE expects its first token before each
    /// text, unless a `tokenizer_config.json` in the same folder says otherwise.
    /// - Throws: `PrismError.badData` that names what is missing or not supported.
    public init(sentencePiece url: URL) throws {
        try self.init(sentencePiece: FileBytes(url), config: TokenizerConfiguration(beside: url))
    }

    package init(sentencePiece file: FileBytes, config: FileBytes? = nil) throws {
        try self.init(sentencePiece: file, config: config.map { try TokenizerConfiguration($0) })
    }

    private init(sentencePiece file: FileBytes, config: TokenizerConfiguration?) throws {
        func problem(_ text: String) -> PrismError {
            file.problem(text, remedy: "use the model's tokenizer.json, or another model")
        }
        let model = try SentencePieceModel(file)
        guard !model.pieces.isEmpty else { throw problem("there are no pieces") }
        guard let algorithm = [1: SentencePieceVocabulary.Algorithm.unigram, 2: .bytePair][model.modelType] else {
            throw problem("the model is of type \(model.modelType), supported are 1 (unigram) and 2 (BPE)")
        }
        guard model.escapesSpaces, !model.marksSuffixes else {
            throw problem("spaces are not marked by ▁ before words, which is not supported")
        }
        let contents = SentencePieceVocabulary(
            algorithm: algorithm, pieces: model.pieces, fallsBackToBytes: model.fallsBackToBytes,
            characterMap: model.characterMap.isEmpty ? nil : try CharacterMap(model.characterMap, problem),
            addsDummyPrefix: model.addsDummyPrefix, removesExtraSpaces: model.removesExtraSpaces)
        (vocabulary, encoder, splitters) = try contents.built(problem)
        var added: [AddedTokens.Token] = []
        for (number, piece) in model.pieces.enumerated() {
            let id = Int32(number)
            switch piece.kind {
            case .control, .unknown: added.append(AddedTokens.Token(text: piece.text, id: id, isSpecial: true))
            // In a unigram model they compete with other pieces, though with a bonus.
            case .userDefined where algorithm == .bytePair:
                added.append(
                    AddedTokens.Token(text: piece.text, id: id, isSpecial: false, matchesNormalised: true))
            default: break
            }
        }
        // Without the normaliser: what a user defined is given as it stands in normalised text.
        self.added = AddedTokens(added)
        normaliser = contents.normaliser
        droppedSpaces = contents.droppedSpaces
        for (text, id) in config?.addedTokens ?? [] where id >= model.pieces.count {
            throw problem("tokenizer_config.json adds the token ‘\(text)’, which is not in this file")
        }
        func id(_ id: Int) throws -> Int32? {
            guard id < model.pieces.count else { throw problem("a token that begins or ends a text has the id \(id)") }
            return id < 0 ? nil : Int32(id)
        }
        bosID = try id(model.bosID)
        eosID = try id(model.eosID)
        addsBOS = bosID != nil && (config?.addsBOS ?? (algorithm == .bytePair))
    }
}
